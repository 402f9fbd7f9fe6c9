-- Polling: which shipments are asked about, when, and what an answer changes.
-- No worker takes part: what it would record is recorded here.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
CREATE SCHEMA p72;
CREATE FUNCTION p72.build(shipment ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE plpgsql AS $$
DECLARE
    request ganje.http_request;
BEGIN
    IF shipment.data ? 'poison' AND operation = 'status' THEN
        RAISE division_by_zero;
    END IF;
    request.method := 'GET';
    request.path := '/' || operation || coalesce('/' || shipment.external_id, '');
    request.body := shipment.data::text;
    RETURN request;
END
$$;
CREATE FUNCTION p72.authorize(account jsonb, request ganje.http_request) RETURNS ganje.http_request LANGUAGE sql RETURN request;
-- The answer's body is the patch itself.
CREATE FUNCTION p72.apply(account jsonb, request ganje.http_request, response ganje.http_response) RETURNS ganje.outcome LANGUAGE plpgsql AS $$
DECLARE
    outcome ganje.outcome;
BEGIN
    outcome.result := coalesce(response.headers ->> 'x-result', 'delivered');
    outcome.patch := response.body::jsonb;
    RETURN outcome;
END
$$;
INSERT INTO ganje.carrier (carrier, build, authorize, apply, poll_operation, poll, registered_by)
VALUES ('p72', 'p72.build(ganje.shipment,text)', 'p72.authorize(jsonb,ganje.http_request)',
        'p72.apply(jsonb,ganje.http_request,ganje.http_response)', 'status', '{"waitingSeconds": 100, "movingSeconds": 10}', current_user);
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, shipment_status, rank) VALUES
    ('p72', 'x', 'new', 'pending', NULL, 10), ('p72', 'x', 'given', 'assigned', NULL, 20), ('p72', 'x', 'taken', 'assigned', NULL, 20),
    ('p72', 'x', 'refused', 'pending', NULL, 20), ('p72', 'x', 'out', 'out_for_delivery', 'IN_TRANSIT', 30),
    ('p72', 'x', 'done', 'delivered', 'DELIVERED', 40), ('p72', 'x', 'off', 'cancelled', 'CANCELLED', 40);
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('72', 'p72', 'https://p72.example');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M72', 'A', 'a', '72', 'A');

-- As the worker: the one request in the outbox of a shipment is leased and answered.
CREATE FUNCTION answer72(shipment text, status integer, patch text, result text DEFAULT NULL, asked boolean DEFAULT false,
                         asked_at timestamptz DEFAULT clock_timestamp()) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d ganje.outbox_delivery;
BEGIN
    SELECT * INTO STRICT d FROM ganje.outbox_delivery AS o
     WHERE o.merchant_id = 'M72' AND o.shipment_id = shipment AND o.state = 'pending' ORDER BY o.turn LIMIT 1;
    UPDATE ganje.outbox_delivery AS o SET state = 'leased', lease_token = 't', attempts = attempts + 1
     WHERE o.merchant_id = d.merchant_id AND o.request_id = d.request_id;
    RETURN ganje.record_answer(d.merchant_id, d.request_id, 't',
        ROW(status, jsonb_strip_nulls(jsonb_build_object('x-result', result)), patch)::ganje.http_response,
        NULL, status >= 500, 1000, asked_at, 5, left(patch, 100), asked);
END
$$;
CREATE FUNCTION say72(shipment text, said text) RETURNS text LANGUAGE sql
RETURN answer72(shipment, 200, jsonb_build_object('entity', 'x', 'parcel', shipment, 'carrierStatus', said)::text);
-- Time passes for the polls of some shipments; answers how many were enqueued.
CREATE FUNCTION due72(shipments text) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    UPDATE ganje.shipment_poll AS p SET due_at = clock_timestamp() - interval '1 second'
     WHERE p.account_id = '72' AND p.shipment_id LIKE shipments;
    SELECT enqueued FROM ganje.enqueue_due_polls('72', 100);
END;
CREATE VIEW poll72 AS
SELECT p.shipment_id, p.carrier_status, p.failures, p.last_error,
       round(extract(epoch FROM p.due_at - clock_timestamp())) AS due_in
  FROM ganje.shipment_poll AS p WHERE p.account_id = '72' ORDER BY 1;
CREATE VIEW journey72 AS
SELECT e.shipment_id, e.carrier_status, e.normalized_status, e.status, e.detail FROM ganje.shipment_event AS e
 WHERE e.merchant_id = 'M72' AND e.source = 'p72' ORDER BY e.shipment_id, e.event_id;

-- Nothing is polled before the create is answered.
SELECT count(*) FROM poll72;
SELECT answer72('A', 200, NULL);
SELECT shipment_id, carrier_status, due_in BETWEEN 75 AND 125 AS waiting_pause FROM poll72;
-- Not due, due, and once in the outbox not twice.
SELECT enqueued FROM ganje.enqueue_due_polls('72', 100);
SELECT due72('A');
SELECT due72('A');
SELECT operation, path, body, d.poll FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id) WHERE o.account_id = '72';
SELECT ganje.poll_shipment('A', 'M72') = (SELECT request_id FROM ganje.outbox WHERE account_id = '72') AS asked_already;
SELECT due_in BETWEEN 75 AND 125 AS next_one_is_set FROM poll72;

-- News is what differs from the last poll: 3, 5, 3 are three steps.
SELECT say72('A', 'given'), due72('A'), say72('A', 'given'), due72('A'), say72('A', 'refused'), due72('A'), say72('A', 'given');
SELECT * FROM journey72;
SELECT due_in BETWEEN 7 AND 13 AS moving_pause FROM poll72;
-- Further back, and what nobody has heard of.
SELECT due72('A'), say72('A', 'out'), due72('A'), say72('A', 'taken'), due72('A'), say72('A', '42'), due72('A'), say72('A', '42'), due72('A'), say72('A', 'out');
SELECT carrier_status, normalized_status, status FROM journey72 OFFSET 3;
SELECT carrier_status, normalized_status, rank FROM ganje.shipment_parcel WHERE merchant_id = 'M72';
-- Polls that bring no news are not in the log.
SELECT operation, count(*) FROM ganje.outbox_log WHERE account_id = '72' GROUP BY 1 ORDER BY 1;
-- Plain fields are news, but no step.
SELECT due72('A'), answer72('A', 200, '{"entity": "x", "parcel": "A", "carrierStatus": "out", "courierName": "Ali", "data": {"pay": [1.50]}}');
SELECT due72('A'), answer72('A', 200, '{"entity": "x", "parcel": "A", "carrierStatus": "out", "courierName": "Ali", "data": {"pay": [1.50]}}');
SELECT courier_name, data FROM ganje.shipment WHERE merchant_id = 'M72' AND shipment_id = 'A';
SELECT count(*) FROM journey72;
SELECT operation, count(*) FROM ganje.outbox_log WHERE account_id = '72' GROUP BY 1 ORDER BY 1;

-- The longer there is no news, the longer the pause; at most maxSeconds.
UPDATE ganje.shipment_poll SET changed_at = clock_timestamp() - interval '1 hour' WHERE account_id = '72';
SELECT due72('A'), say72('A', 'out');
SELECT due_in BETWEEN 280 AND 440 AS a_tenth FROM poll72;
UPDATE ganje.shipment_poll SET changed_at = clock_timestamp() - interval '10 years' WHERE account_id = '72';
SELECT due72('A'), say72('A', 'out');
SELECT due_in BETWEEN 2870 AND 4330 AS at_most FROM poll72;
UPDATE ganje.carrier_account SET settings = '{"poll": {"maxSeconds": 500, "movingSeconds": 400}}' WHERE account_id = '72';
SELECT due72('A'), say72('A', 'out');
SELECT due_in BETWEEN 398 AND 602 AS of_the_account FROM poll72;
SELECT count(DISTINCT ganje.poll_delay('{"movingSeconds": 5, "maxSeconds": 9}', 'assigned', '0', 0)) > 15 AS jittered FROM generate_series(1, 20);
\set VERBOSITY terse
SELECT ganje.poll_delay('{"movingSeconds": 10, "waitingSeconds": 100, "maxSeconds": 1000}', 'assigned', '0', 3) BETWEEN '63 s' AND '97 s' AS doubled_thrice,
       ganje.poll_delay('{"movingSeconds": 10, "waitingSeconds": 100, "maxSeconds": 1000}', 'pending', '0', 99) BETWEEN '799 s' AND '1201 s' AS at_most;
UPDATE ganje.carrier_account SET settings = '{"poll": {"maxSeconds": "50"}}' WHERE account_id = '72';
UPDATE ganje.carrier_account SET settings = '{"poll": {"often": 50}}' WHERE account_id = '72';
UPDATE ganje.carrier_account SET settings = '{"poll": true}' WHERE account_id = '72';
\set VERBOSITY default

-- A poll that fails is no dead letter: the next one comes, later each time.
SELECT due72('A'), answer72('A', 503, 'busy'), due72('A'), answer72('A', 404, '{}', 'failed'), due72('A'), answer72('A', 200, '{}', 'retry');
SELECT failures, last_error FROM poll72;
SELECT count(*) AS dead FROM ganje.dead_letters WHERE account_id = '72';
SELECT count(*) AS in_outbox FROM ganje.outbox WHERE account_id = '72';
SELECT due72('A'), say72('A', 'out');
SELECT failures, last_error FROM poll72;
-- A build function that raises fails its own poll.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, data)
VALUES ('M72', 'B', 'b', '72', 'B', '{"poison": true}');
SELECT answer72('B', 200, NULL), due72('B');
SELECT shipment_id, failures, last_error FROM poll72;

-- Another source: a webhook's word of higher rank stands against a poll, which
-- the journey shows; once.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M72', 'C', 'c', '72', 'C'), ('M72', 'D', 'd', '72', 'D');
SELECT answer72('C', 200, NULL), answer72('D', 200, NULL);
SELECT ganje.apply_patch('M72', 'C', 'p72', '{"entity": "x", "parcel": "C", "carrierStatus": "out"}');
SELECT due72('C'), say72('C', 'given'), due72('C'), say72('C', 'given');
SELECT carrier_status, normalized_status, status, detail FROM journey72 WHERE shipment_id = 'C';
SELECT normalized_status FROM ganje.shipment WHERE merchant_id = 'M72' AND shipment_id = 'C';
-- Both agree: one step.
SELECT due72('C'), say72('C', 'out');
SELECT count(*) FROM journey72 WHERE shipment_id = 'C';
-- Of equal rank the later one is right: the poll was asked before the webhook came, or after.
SELECT ganje.apply_patch('M72', 'D', 'p72', '{"entity": "x", "parcel": "D", "carrierStatus": "taken"}');
SELECT due72('D'), answer72('D', 200, '{"entity": "x", "parcel": "D", "carrierStatus": "refused"}', asked_at => now() - interval '1 second');
SELECT normalized_status FROM ganje.shipment WHERE merchant_id = 'M72' AND shipment_id = 'D';
SELECT due72('D'), answer72('D', 200, '{"entity": "x", "parcel": "D", "carrierStatus": "given"}', asked_at => clock_timestamp());
SELECT carrier_status, detail FROM journey72 WHERE shipment_id = 'D';

-- A closed shipment is asked about no more.
SELECT due72('D'), say72('D', 'done');
SELECT due72('C');
SELECT ganje.apply_patch('M72', 'C', 'p72', '{"entity": "x", "parcel": "C", "carrierStatus": "off"}');
SELECT shipment_id FROM poll72;
SELECT answer72('C', 200, '{"entity": "x", "parcel": "C", "carrierStatus": "out"}', asked_at => now() - interval '1 second');
SELECT shipment_id FROM poll72;
SELECT shipment_id, normalized_status FROM ganje.shipment WHERE merchant_id = 'M72' ORDER BY 1;
SELECT ganje.apply_patch('M72', 'B', 'p72', '{"entity": "x", "parcel": "B", "carrierStatus": "off"}'), due72('B');
SELECT shipment_id FROM poll72;

-- Twins are one thing to the carrier: one is asked about, both hear.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M72', 'E', 'e', '72', 'E'), ('M72', 'F', 'e', '72', 'E');
SELECT answer72('E', 200, NULL), due72('E'), say72('E', 'given');
SELECT shipment_id, normalized_status FROM ganje.shipment WHERE external_id = 'E' AND merchant_id = 'M72' ORDER BY 1;
SELECT shipment_id FROM poll72 WHERE shipment_id IN ('E', 'F');

-- Polls have half of an account's connections, and no more.
UPDATE ganje.carrier_account SET max_connections = 6 WHERE account_id = '72';
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id)
SELECT 'M72', 'S' || n, 's', '72', 'S' || n FROM generate_series(1, 8) AS n;
SELECT count(answer72('S' || n, 200, NULL)) FROM generate_series(1, 8) AS n;
SELECT due72('S%');
SELECT due72('S%');
SELECT count(*) FROM ganje.outbox_delivery WHERE account_id = '72' AND poll;

-- When the worker looks: not where nothing may be sent, nor for a parked or
-- inactive account, nor one that is not to be polled.
CREATE VIEW looked72 AS SELECT per_second, due_at <= clock_timestamp() AS due FROM ganje.poll_accounts() WHERE account_id = '72';
SELECT * FROM looked72;
BEGIN;
UPDATE ganje.sending SET paused = false;
SELECT * FROM looked72;
UPDATE ganje.carrier_account SET requests_per_second = 3 WHERE account_id = '72';
SELECT * FROM looked72;
SELECT ganje.park_account('72', 'why');
SELECT * FROM looked72;
SELECT ganje.unpark_account('72');
UPDATE ganje.carrier_account SET active = false WHERE account_id = '72';
SELECT * FROM looked72;
UPDATE ganje.carrier_account SET active = true, settings = '{"poll": {"perSecond": 0}}' WHERE account_id = '72';
SELECT * FROM looked72;
UPDATE ganje.sending SET system_identifier = 1;
UPDATE ganje.carrier_account SET settings = '{}' WHERE account_id = '72';
SELECT * FROM looked72;
ROLLBACK;

-- A create whose answer was lost: asked for, and there; or not there, and sent again.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M72', 'G', 'g', '72', 'G'), ('M72', 'H', 'h', '72', 'H');
SELECT answer72('G', 500, 'lost'), answer72('H', 502, 'lost');
CREATE VIEW doubt72 AS SELECT shipment_id, state, attempts, answer_lost FROM ganje.outbox_delivery WHERE merchant_id = 'M72' AND shipment_id IN ('G', 'H') ORDER BY 1;
SELECT * FROM doubt72;
SELECT answer72('G', 200, '{"entity": "x", "parcel": "G", "carrierStatus": "new"}', asked => true), answer72('H', 404, NULL, 'absent', true);
SELECT * FROM doubt72;
SELECT shipment_id, carrier_status FROM poll72 WHERE shipment_id IN ('G', 'H');
SELECT result, attempts FROM ganje.outbox_log WHERE merchant_id = 'M72' AND shipment_id = 'G';
SELECT answer72('H', 429, NULL, 'retry');
SELECT * FROM doubt72;
SELECT answer72('H', 200, NULL, 'absent');
SELECT answer72('H', 200, '{"entity": "x", "parcel": "H", "carrierStatus": "new"}');
SELECT * FROM doubt72;
SELECT shipment_id, carrier_status FROM poll72 WHERE shipment_id IN ('G', 'H');

-- What is not to be asked.
SELECT ganje.poll_shipment('nobody', 'M72');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id) VALUES ('M72', 'Z', 'z');
SELECT ganje.poll_shipment('Z', 'M72');
DELETE FROM ganje.outbox WHERE merchant_id = 'M72' AND operation = 'status';
UPDATE ganje.carrier_account SET max_connections = 100 WHERE account_id = '72';
UPDATE ganje.carrier SET poll_operation = NULL WHERE carrier = 'p72';
SELECT ganje.poll_shipment('A', 'M72');
SELECT due72('A');
SELECT count(*) FROM poll72 WHERE shipment_id = 'A';

DROP VIEW poll72, journey72, looked72, doubt72;
DROP FUNCTION say72, due72, answer72;
DELETE FROM ganje.outbox WHERE merchant_id = 'M72';
DELETE FROM ganje.shipment WHERE merchant_id = 'M72';
DELETE FROM ganje.carrier_account WHERE account_id = '72';
DELETE FROM ganje.carrier WHERE carrier = 'p72';
SET client_min_messages = warning;
DROP SCHEMA p72 CASCADE;
SELECT ganje.resume_sending();
