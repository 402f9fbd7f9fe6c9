-- Options: SHIPMENT, SHIPMENT_TYPES and SHIPMENT_STATUSES. A default is not a
-- row but the answer of ganje.option_data, so that a restored dump finds an
-- empty table.

CREATE TABLE ganje.option (
    option_id text PRIMARY KEY
        CHECK (option_id IN ('SHIPMENT', 'SHIPMENT_TYPES', 'SHIPMENT_STATUSES')),
    data jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE ganje.option IS 'Options of the project, where they differ from the defaults.';
COMMENT ON COLUMN ganje.option.option_id IS 'SHIPMENT, SHIPMENT_TYPES or SHIPMENT_STATUSES';
COMMENT ON COLUMN ganje.option.data IS 'SHIPMENT: {days, maxPools, linearStatuses}; SHIPMENT_TYPES: list of types; SHIPMENT_STATUSES: list of {status, flags}';

CREATE FUNCTION ganje.option_default(option_id text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE option_id
    WHEN 'SHIPMENT' THEN '{"days": 3, "maxPools": 10, "linearStatuses": true}'::jsonb
    WHEN 'SHIPMENT_TYPES' THEN '["CARGO", "RESERVED", "ON_DEMAND", "SELF"]'::jsonb
    WHEN 'SHIPMENT_STATUSES' THEN '[{"status": "CANCELLED", "cancel": true},
        {"status": "PENDING", "cancellable": true, "addable": true},
        {"status": "PACKAGING", "addable": true, "back": true},
        {"status": "READY", "back": true},
        {"status": "IN_TRANSIT", "trackDelivery": true},
        {"status": "DELIVERED", "triggerInvoice": true}]'::jsonb
END;
COMMENT ON FUNCTION ganje.option_default(text) IS 'The data of an option that nobody has set.';

CREATE FUNCTION ganje.option_data(option_id text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    set_data jsonb := (SELECT o.data FROM ganje.option AS o WHERE o.option_id = option_data.option_id);
BEGIN
    IF option_id = 'SHIPMENT' THEN
        RETURN ganje.option_default(option_id) || coalesce(set_data, '{}');
    END IF;
    RETURN coalesce(set_data, ganje.option_default(option_id));
END
$$;
COMMENT ON FUNCTION ganje.option_data(text) IS 'The data of an option in force, defaults filled in.';

-- The default of a column, and so asked at every order: where nobody has set
-- the option, which is the rule, it is one look into an empty index.
CREATE FUNCTION ganje.first_status() RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    statuses jsonb := (SELECT o.data FROM ganje.option AS o WHERE o.option_id = 'SHIPMENT_STATUSES');
BEGIN
    IF statuses IS NULL THEN
        RETURN 'PENDING';
    END IF;
    RETURN (SELECT t.value ->> 'status' FROM jsonb_array_elements(statuses) WITH ORDINALITY AS t(value, place)
             ORDER BY coalesce((t.value ->> 'cancel')::boolean, false), t.place LIMIT 1);
END
$$;
COMMENT ON FUNCTION ganje.first_status() IS
'The status of a new shipment: the first of option SHIPMENT_STATUSES that does not cancel.';

CREATE FUNCTION ganje.check_option(option_id text, data jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    element jsonb;
    position int := 0;
BEGIN
    IF option_id = 'SHIPMENT' THEN
        PERFORM ganje.check_object(data, 'data', 'days:count maxPools:count linearStatuses:bool');
        IF (data ->> 'days')::numeric > 366 THEN
            RAISE invalid_parameter_value USING MESSAGE = 'data.days must be at most 366',
                HINT = 'days is how many days ahead slots are offered.';
        END IF;
        IF (data ->> 'maxPools')::numeric NOT BETWEEN 1 AND 100 THEN
            RAISE invalid_parameter_value USING MESSAGE = 'data.maxPools must be between 1 and 100';
        END IF;
        RETURN;
    END IF;
    IF jsonb_typeof(data) IS DISTINCT FROM 'array' OR jsonb_array_length(data) = 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'data must be a list that is not empty';
    END IF;
    IF option_id = 'SHIPMENT_TYPES' THEN
        PERFORM ganje.check_object(jsonb_build_object('data', data), '', 'data:ids!');
        IF (SELECT count(DISTINCT value) <> count(*) FROM jsonb_array_elements(data)) THEN
            RAISE invalid_parameter_value USING MESSAGE = 'data names a type twice';
        END IF;
        RETURN;
    END IF;
    FOR element IN SELECT value FROM jsonb_array_elements(data) LOOP
        PERFORM ganje.check_object(element, format('data[%s]', position),
            'status:id! cancel:bool cancellable:bool addable:bool back:bool trackDelivery:bool triggerInvoice:bool');
        position := position + 1;
    END LOOP;
    IF (SELECT count(DISTINCT value ->> 'status') <> count(*) FROM jsonb_array_elements(data)) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'data names a status twice';
    END IF;
    IF (SELECT bool_and(coalesce((value ->> 'cancel')::boolean, false)) FROM jsonb_array_elements(data)) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'data names no status but cancelled ones',
            HINT = 'A shipment begins with the first status that has no "cancel".';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_option(text, jsonb) IS 'Raises, naming the JSON path, where data is not fit for the option.';

CREATE FUNCTION ganje.check_option_id(request jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF ganje.option_default(request ->> 'optionId') IS NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('optionId %s is unknown', coalesce(quote_literal(request ->> 'optionId'), 'is missing or')),
            HINT = 'The options are SHIPMENT, SHIPMENT_TYPES and SHIPMENT_STATUSES.';
    END IF;
    RETURN request ->> 'optionId';
END
$$;
COMMENT ON FUNCTION ganje.check_option_id(jsonb) IS 'The optionId of a request; raises where there is no such option.';

CREATE FUNCTION ganje.get_option(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', 'optionId:text!');
    RETURN jsonb_build_object('optionId', ganje.check_option_id(request),
                              'data', ganje.option_data(request ->> 'optionId'));
END
$$;
COMMENT ON FUNCTION ganje.get_option(jsonb) IS 'GET_OPTION {optionId}: the option in force as {optionId, data}.';

CREATE FUNCTION ganje.upsert_option(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id text;
BEGIN
    PERFORM ganje.check_object(request, '', 'optionId:text! data:any!');
    id := ganje.check_option_id(request);
    INSERT INTO ganje.option AS o (option_id, data) VALUES (id, request -> 'data')
    ON CONFLICT (option_id) DO UPDATE
       SET data = CASE WHEN o.option_id = 'SHIPMENT' THEN o.data || excluded.data ELSE excluded.data END,
           updated_at = excluded.updated_at;
    RETURN jsonb_build_object('optionId', id, 'data', ganje.option_data(id));
END
$$;
COMMENT ON FUNCTION ganje.upsert_option(jsonb) IS
'UPSERT_OPTION {optionId, data}: sets an option and answers {optionId, data}; keys of SHIPMENT that data does not name keep their value.';

CREATE FUNCTION ganje.option_check_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_option(ganje.check_option_id(jsonb_build_object('optionId', NEW.option_id)), NEW.data);
    -- null is as good as absent, and 3.0 is a whole number, but no integer by its digits.
    NEW.data := jsonb_strip_nulls(NEW.data);
    IF NEW.option_id = 'SHIPMENT' THEN
        NEW.data := NEW.data || jsonb_strip_nulls(jsonb_build_object(
            'days', (NEW.data ->> 'days')::numeric::integer, 'maxPools', (NEW.data ->> 'maxPools')::numeric::integer));
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ganje.option_check_row() IS 'Trigger: an option''s data is checked, and put into one form, however the row is written.';
CREATE TRIGGER option_check BEFORE INSERT OR UPDATE ON ganje.option
    FOR EACH ROW EXECUTE FUNCTION ganje.option_check_row();

SELECT pg_catalog.pg_extension_config_dump('ganje.option', '');
