-- HMAC-SHA256 against vectors that others made.

-- RFC 4231, test cases 1 to 4, 6 and 7.
SELECT encode(ganje.hmac_sha256(decode(repeat('0b', 20), 'hex'), 'Hi There'), 'hex')
       = 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7' AS case_1;
SELECT encode(ganje.hmac_sha256('Jefe', 'what do ya want for nothing?'), 'hex')
       = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843' AS case_2;
SELECT encode(ganje.hmac_sha256(decode(repeat('aa', 20), 'hex'), decode(repeat('dd', 50), 'hex')), 'hex')
       = '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe' AS case_3;
SELECT encode(ganje.hmac_sha256('\x0102030405060708090a0b0c0d0e0f10111213141516171819', decode(repeat('cd', 50), 'hex')), 'hex')
       = '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b' AS case_4;
SELECT encode(ganje.hmac_sha256(decode(repeat('aa', 131), 'hex'), 'Test Using Larger Than Block-Size Key - Hash Key First'), 'hex')
       = '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54' AS case_6;
SELECT encode(ganje.hmac_sha256(decode(repeat('aa', 131), 'hex'),
              'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.'), 'hex')
       = '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2' AS case_7;

-- Empty key and message, NULL, and Ginee's signature of a path.
SELECT encode(ganje.hmac_sha256('', ''), 'hex')
       = 'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad' AS empty;
SELECT ganje.hmac_sha256(NULL, '') IS NULL AND ganje.hmac_sha256('', NULL) IS NULL AS of_null;
SELECT encode(ganje.hmac_sha256('secret', 'POST$/openapi/order/v2/list-order$'), 'base64') AS ginee;
