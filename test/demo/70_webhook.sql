SELECT ganje.receive_webhook('ganje', :'payload') AS answer;
