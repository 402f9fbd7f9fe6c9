-- A wall clock that is put right.
--
-- What is due is told by the wall clock, because it must outlast the worker.
-- When that clock jumps, times that were written before mean something else:
-- after a jump back by an hour a request that was due now would wait an hour,
-- and after one ahead every lease would be over though its request is still on
-- its way. The worker notices (it also has a clock that does not jump).

CREATE FUNCTION ganje.shift_times(step interval, owner integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    right_now timestamptz := clock_timestamp();
    back boolean := step < interval '0';
BEGIN
    UPDATE ganje.outbox_delivery AS d SET lease_until = d.lease_until + step WHERE d.state = 'leased' AND d.lease_owner = owner;
    -- Ahead nothing is lost: what is due early is due once.
    IF back AND owner = 0 THEN
        UPDATE ganje.outbox_delivery AS d SET due_at = d.due_at + step WHERE d.state = 'pending' AND d.due_at > right_now;
        UPDATE ganje.shipment_poll AS p SET due_at = p.due_at + step WHERE p.due_at > right_now;
        UPDATE ganje.account_refresh AS r SET due_at = r.due_at + step WHERE r.due_at > right_now;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.shift_times(interval, integer) IS
'Moves the leases of a worker, and what is due later, by what the wall clock jumped.';
