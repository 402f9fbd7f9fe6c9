-- Requests that take the worker along.
--
-- A try is counted when it is leased, and written down when it ended. Where
-- the worker ended first nothing is written down, and the request is sent
-- again; one by which the worker ends each time (its carrier's function eats
-- up all memory, say) would so stop everybody else's for ever.

CREATE FUNCTION ganje.mind_unfinished(owner integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery;
    unfinished bigint;
    most integer;
    next_due timestamptz;
BEGIN
    FOR delivery IN
        SELECT d.* FROM ganje.outbox_delivery AS d WHERE d.state = 'leased' AND d.lease_owner = owner AND d.attempts >= 2
    LOOP
        SELECT delivery.attempts - count(*) INTO unfinished FROM ganje.outbox_attempt AS t
         WHERE t.merchant_id = delivery.merchant_id AND t.request_id = delivery.request_id;
        CONTINUE WHEN unfinished < 2;
        SELECT least(a.max_attempts + 3, 10) INTO STRICT most FROM ganje.carrier_account AS a WHERE a.account_id = delivery.account_id;
        IF unfinished >= most THEN
            PERFORM ganje.fail_delivery(delivery, true, 0, clock_timestamp(), NULL, NULL,
                                        'the worker ended during this and earlier tries', NULL, true);
        ELSE
            -- Apart from each other, so that those come through that only were there when it ended.
            next_due := clock_timestamp() + random() * unfinished * interval '1 second';
            UPDATE ganje.outbox_delivery AS d
               SET state = 'pending', due_at = next_due, lease_token = NULL, lease_owner = NULL, lease_until = NULL, answer_lost = true
             WHERE d.merchant_id = delivery.merchant_id AND d.request_id = delivery.request_id;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.mind_unfinished(integer) IS
'Spreads the requests during whose tries a worker ended twice, and makes dead letters of them after ten times, or three more than they have attempts.';
