-- What the worker writes of answers that need more than a row moved to the log:
-- one call per answer, so that one that cannot be recorded fails alone. Those
-- that need nothing else it writes in batches: what is changed in
-- finish_request is to be changed in src/outbox/log.c, what is changed in
-- fail_delivery in a statement of src/outbox/statement.c.
--
-- Every call names the lease under which the request was sent. A lease that
-- ran out and was taken again makes the late answer "lost": the request is on
-- its way a second time, under the same Idempotency-Key.

CREATE FUNCTION ganje.leased_delivery(merchant text, request text, lease text) RETURNS ganje.outbox_delivery
LANGUAGE sql VOLATILE
AS $$
    SELECT d FROM ganje.outbox_delivery AS d
     WHERE d.merchant_id = merchant AND d.request_id = request AND d.lease_token = lease FOR UPDATE;
$$;
COMMENT ON FUNCTION ganje.leased_delivery(text, text, text) IS
'The delivery that is under this lease, its row locked; NULL where the lease is over.';

-- The numbers of tries go on after retry_request, which begins the count of
-- attempts anew.
CREATE FUNCTION ganje.fail_delivery(delivery ganje.outbox_delivery, final boolean, delay_ms bigint, started timestamptz,
                                    elapsed_ms integer, status integer, error text, answer text, lost boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    account ganje.carrier_account := ganje.find_account(delivery.account_id);
    is_dead boolean := final OR delivery.attempts >= account.max_attempts;
    next_due timestamptz := CASE WHEN is_dead THEN 'infinity' ELSE clock_timestamp() + delay_ms * interval '1 millisecond' END;
    number integer;
BEGIN
    IF delivery.poll THEN
        PERFORM ganje.fail_poll(delivery, delay_ms, fail_delivery.error);
        RETURN;
    END IF;
    SELECT greatest(coalesce(max(t.attempt), 0) + 1, delivery.attempts) INTO number FROM ganje.outbox_attempt AS t
     WHERE t.merchant_id = delivery.merchant_id AND t.request_id = delivery.request_id;
    INSERT INTO ganje.outbox_attempt (merchant_id, request_id, attempt, started_at, elapsed_ms, status, error, answer)
    VALUES (delivery.merchant_id, delivery.request_id, number, started, fail_delivery.elapsed_ms, fail_delivery.status,
            fail_delivery.error, fail_delivery.answer);
    UPDATE ganje.outbox_delivery AS d
       SET state = CASE WHEN is_dead THEN 'dead' ELSE 'pending' END, attempts = delivery.attempts, due_at = next_due,
           lease_token = NULL, lease_owner = NULL, lease_until = NULL, last_status = fail_delivery.status, last_error = fail_delivery.error,
           answer_lost = d.answer_lost OR fail_delivery.lost
     WHERE d.merchant_id = delivery.merchant_id AND d.request_id = delivery.request_id;
    IF account.carrier = 'webhook' THEN
        PERFORM ganje.subscriber_failed(delivery, fail_delivery.status);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.fail_delivery(ganje.outbox_delivery, boolean, bigint, timestamptz, integer, integer, text, text, boolean) IS
'Records a try that failed: the request is sent again after the delay, or is a dead letter where the failure is final or was its last try; lost tells that the carrier may have done it all the same.';

CREATE FUNCTION ganje.give_back(delivery ganje.outbox_delivery, status integer, error text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE ganje.outbox_delivery AS d
       SET state = 'pending', attempts = greatest(delivery.attempts - 1, 0), lease_token = NULL, lease_owner = NULL,
           lease_until = NULL, last_status = coalesce(give_back.status, d.last_status),
           last_error = coalesce(give_back.error, d.last_error)
     WHERE d.merchant_id = delivery.merchant_id AND d.request_id = delivery.request_id;
END
$$;
COMMENT ON FUNCTION ganje.give_back(ganje.outbox_delivery, integer, text) IS
'Ends a lease as if the request had not been tried.';

-- A shipment inserted meanwhile under the same external id locks this row
-- before it looks for order_link, so that one of the two sees the other.
CREATE FUNCTION ganje.apply_to_twins(delivery ganje.outbox_delivery, carrier text, patch jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    told ganje.shipment := ganje.lock_shipment(delivery.merchant_id, delivery.shipment_id);
    twin text;
BEGIN
    IF told.shipment_id IS NULL THEN
        RETURN;
    END IF;
    FOR twin IN
        SELECT s.shipment_id FROM ganje.shipment AS s
         WHERE s.merchant_id = told.merchant_id AND s.external_id = told.external_id AND s.account_id = told.account_id
         ORDER BY s.shipment_id
    LOOP
        PERFORM ganje.apply_patch(told.merchant_id, twin, apply_to_twins.carrier, apply_to_twins.patch);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.apply_to_twins(ganje.outbox_delivery, text, jsonb) IS
'Applies a carrier''s answer to every shipment that is this one to the carrier.';

-- The token is forgotten only if it is still the one that was refused, so that
-- many refusals lead to one login. The attempt is given back once: a request
-- that is refused again with a fresh token is at fault itself. Without a token
-- it is the credentials that were refused, unless there are others by now.
CREATE FUNCTION ganje.refuse_token(delivery ganje.outbox_delivery, used_token text, delay_ms bigint, started timestamptz,
                                   elapsed_ms integer, status integer, answer text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE ganje.carrier_credential AS c SET token = NULL, token_expires_at = NULL
     WHERE c.account_id = delivery.account_id AND c.token = used_token;
    IF used_token IS NULL THEN
        PERFORM 1 FROM ganje.carrier_account AS a WHERE a.account_id = delivery.account_id FOR UPDATE;
        PERFORM 1 FROM ganje.carrier_credential AS c WHERE c.account_id = delivery.account_id AND c.updated_at > started;
        IF NOT FOUND THEN
            PERFORM ganje.park_account(delivery.account_id, format('the carrier refuses the credentials (%s)', refuse_token.status));
        END IF;
        PERFORM ganje.give_back(delivery, NULL, NULL);
    ELSIF delivery.last_status IS NOT DISTINCT FROM 401 THEN
        PERFORM ganje.fail_delivery(delivery, false, delay_ms, started, elapsed_ms, refuse_token.status,
                                    'the carrier refuses the token', refuse_token.answer, false);
    ELSE
        PERFORM ganje.give_back(delivery, 401, 'the carrier refused the token');
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.refuse_token(ganje.outbox_delivery, text, bigint, timestamptz, integer, integer, text) IS
'Forgets a token that the carrier refused, so that the request is tried again with a new one; parks an account that has none.';

CREATE FUNCTION ganje.settle_delivery(delivery ganje.outbox_delivery, account ganje.carrier_account, operation text, patch jsonb,
                                      started timestamptz, status integer, excerpt text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF delivery.shipment_id IS NULL THEN
        PERFORM ganje.apply_account_patch(account, settle_delivery.patch);
        PERFORM ganje.finish_request(delivery, 'delivered', settle_delivery.status, excerpt);
    ELSIF delivery.poll OR operation = 'ask' THEN
        PERFORM ganje.settle_poll(delivery, account.carrier, settle_delivery.patch, started, settle_delivery.status, excerpt);
    ELSE
        IF settle_delivery.patch IS NOT NULL THEN
            PERFORM ganje.apply_to_twins(delivery, account.carrier, settle_delivery.patch);
        END IF;
        PERFORM ganje.finish_request(delivery, 'delivered', settle_delivery.status, excerpt);
    END IF;
    IF operation IN ('create', 'ask') AND delivery.shipment_id IS NOT NULL
       AND (SELECT c.poll_operation IS NOT NULL FROM ganje.carrier AS c WHERE c.carrier = account.carrier) THEN
        PERFORM ganje.begin_polling(delivery, account, settle_delivery.patch ->> 'carrierStatus');
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.settle_delivery(ganje.outbox_delivery, ganje.carrier_account, text, jsonb, timestamptz, integer, text) IS
'Applies what a delivered request brought, and takes it out of the outbox.';

CREATE FUNCTION ganje.settle_doubt(delivery ganje.outbox_delivery, asked boolean, carrier text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF NOT asked THEN
        RAISE invalid_parameter_value
            USING MESSAGE = format('the apply function of carrier %L answered result absent to what was no question', carrier);
    END IF;
    PERFORM ganje.give_back(delivery, NULL, NULL);
    UPDATE ganje.outbox_delivery AS d SET answer_lost = false
     WHERE d.merchant_id = delivery.merchant_id AND d.request_id = delivery.request_id;
END
$$;
COMMENT ON FUNCTION ganje.settle_doubt(ganje.outbox_delivery, boolean, text) IS
'A request that the carrier never got is sent again, at once.';

CREATE FUNCTION ganje.record_answer(merchant text, request text, lease text, response ganje.http_response, used_token text,
                                    retryable boolean, delay_ms bigint, started timestamptz, elapsed_ms integer,
                                    excerpt text, asked boolean DEFAULT false, used_secret jsonb DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery := ganje.leased_delivery(merchant, request, lease);
    account ganje.carrier_account;
    sent ganje.http_request;
    outcome ganje.outcome;
    verdict text;
BEGIN
    IF delivery.request_id IS NULL THEN
        RETURN 'lost';
    END IF;
    account := ganje.find_account(delivery.account_id);
    IF retryable THEN
        verdict := 'retry';
    ELSIF response.status = 401 AND used_token IS NOT NULL THEN
        verdict := 'unauthorized';
    ELSE
        SELECT o.merchant_id, o.request_id, o.account_id, o.shipment_id, CASE WHEN asked THEN 'ask' ELSE o.operation END,
               o.method, o.path, o.headers, o.body
          INTO STRICT sent FROM ganje.outbox AS o WHERE o.merchant_id = merchant AND o.request_id = request;
        outcome := ganje.run_apply(account.carrier, ganje.account_json(account), sent, response);
        verdict := coalesce(outcome.result, CASE WHEN response.status BETWEEN 200 AND 299 THEN 'delivered' ELSE 'failed' END);
    END IF;
    IF verdict IN ('delivered', 'failed') THEN
        PERFORM ganje.apply_outcome_news(delivery, account.carrier, outcome);
    END IF;
    CASE verdict
        WHEN 'delivered' THEN
            PERFORM ganje.settle_delivery(delivery, account, sent.operation, outcome.patch, started, response.status, excerpt);
        WHEN 'absent' THEN
            PERFORM ganje.settle_doubt(delivery, asked, account.carrier);
        WHEN 'unauthorized' THEN
            -- Whether the credentials are good was the question: unless a new token may help, this is the answer.
            IF outcome.patch ? 'check' AND (used_token IS NULL OR delivery.last_status IS NOT DISTINCT FROM 401) THEN
                PERFORM ganje.settle_delivery(delivery, account, sent.operation, outcome.patch, started, response.status, excerpt);
                RETURN 'delivered';
            ELSIF used_token IS NULL AND used_secret IS NOT NULL THEN
                PERFORM ganje.park_refused(account.account_id, used_secret, coalesce(outcome.detail, 'the carrier refuses the credentials'));
                PERFORM ganje.give_back(delivery, response.status, outcome.detail);
                RETURN verdict;
            END IF;
            PERFORM ganje.refuse_token(delivery, used_token, delay_ms, started, elapsed_ms, response.status, excerpt);
        WHEN 'retry', 'failed' THEN
            IF verdict = 'failed' AND outcome.patch IS NOT NULL THEN
                -- A refusal is the carrier's word too.
                PERFORM ganje.apply_to_twins(delivery, account.carrier, outcome.patch);
            END IF;
            PERFORM ganje.fail_delivery(delivery, verdict = 'failed', delay_ms, started, elapsed_ms, response.status,
                                        coalesce(outcome.detail, format('the carrier answered %s', response.status)), excerpt,
                                        response.status NOT BETWEEN 300 AND 499);
        ELSE
            RAISE invalid_parameter_value
                USING MESSAGE = format('the apply function of carrier %L answered result %L', account.carrier, verdict),
                      HINT = 'It must be delivered, retry, failed, unauthorized, to "ask" absent, or NULL.';
    END CASE;
    IF verdict = 'delivered' AND account.carrier = 'webhook' THEN
        PERFORM ganje.subscriber_accepted(account.account_id);
    END IF;
    RETURN verdict;
END
$$;
COMMENT ON FUNCTION ganje.record_answer(text, text, text, ganje.http_response, text, boolean, bigint, timestamptz, integer, text, boolean, jsonb) IS
'Records a carrier''s answer, to the request or, where asked, to the question whether it arrived; answers delivered, retry, failed, unauthorized, absent, or lost where the lease is over.';

CREATE FUNCTION ganje.record_failure(merchant text, request text, lease text, final boolean, delay_ms bigint, started timestamptz,
                                     elapsed_ms integer, status integer, error text, answer text, lost boolean) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery := ganje.leased_delivery(merchant, request, lease);
BEGIN
    IF delivery.request_id IS NULL THEN
        RETURN 'lost';
    END IF;
    PERFORM ganje.fail_delivery(delivery, final, delay_ms, started, elapsed_ms, record_failure.status, record_failure.error,
                                record_failure.answer, record_failure.lost);
    RETURN CASE WHEN final THEN 'failed' ELSE 'retry' END;
END
$$;
COMMENT ON FUNCTION ganje.record_failure(text, text, text, boolean, bigint, timestamptz, integer, integer, text, text, boolean) IS
'Records a try that brought no answer that could be used.';

-- A request that could not even be authorized was not leased.
CREATE FUNCTION ganje.record_unsent(merchant text, request text, delay_ms bigint, error text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery;
BEGIN
    SELECT * INTO STRICT delivery FROM ganje.outbox_delivery AS d
     WHERE d.merchant_id = merchant AND d.request_id = request FOR UPDATE;
    delivery.attempts := delivery.attempts + 1;
    PERFORM ganje.fail_delivery(delivery, false, delay_ms, clock_timestamp(), 0, NULL, record_unsent.error, NULL, false);
END
$$;
COMMENT ON FUNCTION ganje.record_unsent(text, text, bigint, text) IS 'Records a try that failed before anything was sent.';

-- set_credential writes the secret, then unparks. Taking the account's lock
-- and only then reading the secret, a refusal of the old one parks nothing.
CREATE FUNCTION ganje.park_refused(account_id text, secret jsonb, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM 1 FROM ganje.carrier_account AS a WHERE a.account_id = park_refused.account_id FOR UPDATE;
    IF (SELECT c.secret FROM ganje.carrier_credential AS c WHERE c.account_id = park_refused.account_id)
       IS NOT DISTINCT FROM park_refused.secret THEN
        PERFORM ganje.park_account(park_refused.account_id, park_refused.reason);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.park_refused(text, jsonb, text) IS
'Parks an account whose secret was refused, unless it has another by now.';

-- Nothing of a login's answer is kept but the token.
CREATE FUNCTION ganje.record_login(merchant text, request text, lease text, sent ganje.http_request, response ganje.http_response,
                                   used_secret jsonb, retryable boolean, delay_ms bigint, started timestamptz,
                                   elapsed_ms integer) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery := ganje.leased_delivery(merchant, request, lease);
    account ganje.carrier_account := ganje.find_account(sent.account_id);
    outcome ganje.outcome;
BEGIN
    IF response.status IN (400, 401, 403) THEN
        PERFORM ganje.park_refused(sent.account_id, used_secret, format('the carrier refuses the login (%s)', response.status));
        IF delivery.request_id IS NOT NULL THEN
            PERFORM ganje.give_back(delivery, NULL, NULL);
        END IF;
        RETURN 'refused';
    END IF;
    IF NOT retryable THEN
        outcome := ganje.run_apply(account.carrier, ganje.account_json(account), sent, response);
    END IF;
    IF outcome.token IS NOT NULL THEN
        UPDATE ganje.carrier_credential AS c SET token = outcome.token, token_expires_at = outcome.token_expires_at
         WHERE c.account_id = sent.account_id AND c.secret = used_secret;
        IF outcome.patch IS NOT NULL THEN
            PERFORM ganje.apply_account_patch(account, outcome.patch);
        END IF;
        IF delivery.request_id IS NOT NULL THEN
            PERFORM ganje.give_back(delivery, NULL, NULL);
        END IF;
        RETURN 'delivered';
    END IF;
    IF delivery.request_id IS NOT NULL THEN
        PERFORM ganje.fail_delivery(delivery, false, delay_ms, started, elapsed_ms, NULL,
                                    format('the login failed: %s', coalesce(outcome.detail, 'the carrier answered ' || response.status)),
                                    NULL, false);
    END IF;
    RETURN 'retry';
END
$$;
COMMENT ON FUNCTION ganje.record_login(text, text, text, ganje.http_request, ganje.http_response, jsonb, boolean, bigint, timestamptz, integer) IS
'Records the answer to a login: keeps its token, parks an account whose secret is refused, or lets the request that asked for it wait.';

-- Rows are added at the end of a table, and those of a table are of one day
-- (or of a day that came 32 days earlier).
CREATE FUNCTION ganje.newest_in(log_table regclass, of_column text) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    pages bigint := pg_relation_size(log_table) / current_setting('block_size')::bigint;
    newest timestamptz;
BEGIN
    EXECUTE format('SELECT max(t.%I) FROM %s AS t WHERE t.ctid >= %L::tid', of_column, log_table, format('(%s,0)', greatest(pages - 1, 0)))
       INTO newest;
    IF newest IS NULL THEN
        -- What is there was rolled back.
        EXECUTE format('SELECT max(t.%I) FROM %s AS t', of_column, log_table) INTO newest;
    END IF;
    RETURN newest;
END
$$;
COMMENT ON FUNCTION ganje.newest_in(regclass, text) IS 'When the last row of a table of the log was written.';

-- A table of the log is emptied as a whole, never row by row; one that is in
-- use is left for the next time. So is one with rows that are not old: they
-- were written while the wall clock was ahead.
CREATE FUNCTION ganje.trim_log(log_days integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    right_now timestamptz := clock_timestamp();
    today integer := ganje.log_slot(right_now);
    kept_since timestamptz := date_trunc('day', right_now, 'UTC') - log_days * interval '1 day';
    emptied integer := 0;
    log_table text;
    of_column text;
BEGIN
    -- The table of tomorrow must be empty before it comes, so that 30 days before today are the most.
    FOR log_table, of_column IN
        SELECT format('ganje.%s_%s', l.name, to_char((today - age + 32) % 32, 'FM00')), l.of_column
          FROM generate_series(least(log_days, 30) + 1, 31) AS age,
               (VALUES ('outbox_log', 'finished_at'), ('notification', 'created_at')) AS l(name, of_column)
    LOOP
        CONTINUE WHEN pg_relation_size(log_table::regclass) = 0 OR ganje.newest_in(log_table::regclass, of_column) >= kept_since;
        BEGIN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', log_table);
            EXECUTE format('TRUNCATE %s', log_table);
            emptied := emptied + 1;
        EXCEPTION WHEN lock_not_available THEN
            CONTINUE;
        END;
    END LOOP;
    PERFORM ganje.keep_traffic(ARRAY(SELECT a.account_id FROM ganje.carrier_account AS a));
    RETURN emptied;
END
$$;
COMMENT ON FUNCTION ganje.trim_log(integer) IS
'Empties the tables of the log that are older than so many days; answers how many. Forgets accounts that are gone.';

-- The launcher learns at commit that this database wants a worker.
SELECT ganje.wake_worker();
