-- Functions that PostgreSQL has not, or that mean something else there. dialect/functions.py puts the schema before the
-- calls. Source of each: Amazon Redshift Database Developer Guide, the function's page.

-- Dates and times ---------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION pg_redshift.getdate() RETURNS timestamp
LANGUAGE sql STABLE AS $$SELECT date_trunc('second', statement_timestamp())::timestamp$$;

CREATE OR REPLACE FUNCTION pg_redshift.sysdate() RETURNS timestamp
LANGUAGE sql STABLE AS 'SELECT now()::timestamp';

CREATE OR REPLACE FUNCTION pg_redshift.part_interval(part text, n bigint) RETURNS interval
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE part WHEN 'quarter' THEN 3 * n ELSE n END
        * (CASE part WHEN 'quarter' THEN '1 month' ELSE '1 ' || part END)::interval
$$;

CREATE OR REPLACE FUNCTION pg_redshift.date_add(part text, n bigint, at timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT at + pg_redshift.part_interval(part, n)';

CREATE OR REPLACE FUNCTION pg_redshift.date_add(part text, n bigint, at date) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT at + pg_redshift.part_interval(part, n)';

CREATE OR REPLACE FUNCTION pg_redshift.date_add(part text, n bigint, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE STRICT AS 'SELECT at + pg_redshift.part_interval(part, n)';

CREATE OR REPLACE FUNCTION pg_redshift.date_add(part text, n bigint, at time) RETURNS time
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT at + pg_redshift.part_interval(part, n)';

-- The number of part boundaries between two times.
CREATE OR REPLACE FUNCTION pg_redshift.date_diff(part text, a timestamp, b timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE part
        WHEN 'year' THEN extract(year FROM b) - extract(year FROM a)
        WHEN 'quarter' THEN (extract(year FROM b) - extract(year FROM a)) * 4 + extract(quarter FROM b) - extract(quarter FROM a)
        WHEN 'month' THEN (extract(year FROM b) - extract(year FROM a)) * 12 + extract(month FROM b) - extract(month FROM a)
        WHEN 'week' THEN (date_trunc('week', b)::date - date_trunc('week', a)::date) / 7
        WHEN 'day' THEN b::date - a::date
        WHEN 'hour' THEN extract(epoch FROM date_trunc('hour', b) - date_trunc('hour', a)) / 3600
        WHEN 'minute' THEN extract(epoch FROM date_trunc('minute', b) - date_trunc('minute', a)) / 60
        WHEN 'second' THEN extract(epoch FROM date_trunc('second', b) - date_trunc('second', a))
        WHEN 'millisecond' THEN extract(epoch FROM date_trunc('millisecond', b) - date_trunc('millisecond', a)) * 1000
        WHEN 'microsecond' THEN extract(epoch FROM b - a) * 1000000
        ELSE date_part(part, b)::numeric - date_part(part, a)::numeric
    END::bigint
$$;

CREATE OR REPLACE FUNCTION pg_redshift.date_diff(part text, a date, b date) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_redshift.date_diff(part, a::timestamp, b::timestamp)';

CREATE OR REPLACE FUNCTION pg_redshift.date_diff(part text, a timestamptz, b timestamptz) RETURNS bigint
LANGUAGE sql STABLE STRICT AS 'SELECT pg_redshift.date_diff(part, a::timestamp, b::timestamp)';

CREATE OR REPLACE FUNCTION pg_redshift.date_diff(part text, a time, b time) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT pg_redshift.date_diff(part, date '2000-01-01' + a, date '2000-01-01' + b)$$;

CREATE OR REPLACE FUNCTION pg_redshift.date_trunc(part text, at timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.date_trunc(part, at)';

CREATE OR REPLACE FUNCTION pg_redshift.date_trunc(part text, at date) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.date_trunc(part, at::timestamp)';

CREATE OR REPLACE FUNCTION pg_redshift.date_trunc(part text, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE STRICT AS 'SELECT pg_catalog.date_trunc(part, at)';

CREATE OR REPLACE FUNCTION pg_redshift.date_part(part text, at timestamp) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.date_part(part, at)';

CREATE OR REPLACE FUNCTION pg_redshift.date_part(part text, at date) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.date_part(part, at)';

CREATE OR REPLACE FUNCTION pg_redshift.date_part(part text, at timestamptz) RETURNS double precision
LANGUAGE sql STABLE STRICT AS 'SELECT pg_catalog.date_part(part, at)';

CREATE OR REPLACE FUNCTION pg_redshift.date_part(part text, at time) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.date_part(part, at)';

CREATE OR REPLACE FUNCTION pg_redshift.date_part(part text, at interval) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.date_part(part, at)';

-- EXTRACT gives whole numbers, and of a second's parts only the one asked for.
CREATE OR REPLACE FUNCTION pg_redshift.whole_part(part text, value double precision) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE part WHEN 'millisecond' THEN trunc(value)::bigint % 1000 WHEN 'microsecond' THEN trunc(value)::bigint % 1000
        ELSE trunc(value)::bigint END
$$;

CREATE OR REPLACE FUNCTION pg_redshift.extract_part(part text, at timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_redshift.whole_part(part, pg_catalog.date_part(part, at))';

CREATE OR REPLACE FUNCTION pg_redshift.extract_part(part text, at date) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_redshift.whole_part(part, pg_catalog.date_part(part, at))';

CREATE OR REPLACE FUNCTION pg_redshift.extract_part(part text, at timestamptz) RETURNS bigint
LANGUAGE sql STABLE STRICT AS 'SELECT pg_redshift.whole_part(part, pg_catalog.date_part(part, at))';

CREATE OR REPLACE FUNCTION pg_redshift.extract_part(part text, at time) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_redshift.whole_part(part, pg_catalog.date_part(part, at))';

CREATE OR REPLACE FUNCTION pg_redshift.extract_part(part text, at interval) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_redshift.whole_part(part, pg_catalog.date_part(part, at))';

CREATE OR REPLACE FUNCTION pg_redshift.date_part_year(at date) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT extract(year FROM at)::integer';

CREATE OR REPLACE FUNCTION pg_redshift.last_day(at timestamp) RETURNS date
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT (pg_catalog.date_trunc('month', at) + interval '1 month' - interval '1 day')::date$$;

-- Unlike DATEADD, it goes from a month's last day to a month's last day.
CREATE OR REPLACE FUNCTION pg_redshift.add_months(at timestamp, n bigint) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN at::date = pg_redshift.last_day(at)
        THEN pg_redshift.last_day(at + n * interval '1 month') + at::time
        ELSE at + n * interval '1 month' END
$$;

CREATE OR REPLACE FUNCTION pg_redshift.months_between(a timestamp, b timestamp) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_redshift.date_diff('month', b, a) + CASE
        WHEN extract(day FROM a) = extract(day FROM b) THEN 0
        WHEN a::date = pg_redshift.last_day(a) AND b::date = pg_redshift.last_day(b) THEN 0
        ELSE (extract(epoch FROM a - pg_catalog.date_trunc('month', a))
            - extract(epoch FROM b - pg_catalog.date_trunc('month', b))) / 86400.0 / 31.0 END
$$;

CREATE OR REPLACE FUNCTION pg_redshift.next_day(at timestamp, day text) RETURNS date
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT later FROM (SELECT at::date + n AS later FROM generate_series(1, 7) AS n) AS week
    WHERE to_char(later, 'dy') = left(lower(day), 3)
$$;

CREATE OR REPLACE FUNCTION pg_redshift.convert_timezone(target text, at timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT (at AT TIME ZONE 'UTC') AT TIME ZONE target$$;

CREATE OR REPLACE FUNCTION pg_redshift.convert_timezone(source text, target text, at timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (at AT TIME ZONE source) AT TIME ZONE target';

CREATE OR REPLACE FUNCTION pg_redshift.trunc(at timestamp) RETURNS date
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT at::date';

-- Numbers -----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION pg_redshift.trunc(value numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.trunc(value)';

CREATE OR REPLACE FUNCTION pg_redshift.trunc(value numeric, digits integer) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.trunc(value, digits)';

CREATE OR REPLACE FUNCTION pg_redshift.trunc(value double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.trunc(value)';

CREATE OR REPLACE FUNCTION pg_redshift.trunc(value double precision, digits integer) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.trunc(value::numeric, digits)::double precision';

CREATE OR REPLACE FUNCTION pg_redshift.round(value numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.round(value)';

CREATE OR REPLACE FUNCTION pg_redshift.round(value numeric, digits integer) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.round(value, digits)';

CREATE OR REPLACE FUNCTION pg_redshift.round(value double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.round(value)';

CREATE OR REPLACE FUNCTION pg_redshift.round(value double precision, digits integer) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.round(value::numeric, digits)::double precision';

-- AVG of whole numbers is a whole number, AVG of decimals has their scale.
CREATE OR REPLACE FUNCTION pg_redshift.whole_average(state bigint[]) RETURNS bigint
LANGUAGE sql IMMUTABLE AS 'SELECT state[2] / nullif(state[1], 0)';

CREATE OR REPLACE FUNCTION pg_redshift.sum_and_count(state numeric[], value numeric) RETURNS numeric[]
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ARRAY[state[1] + value, state[2] + 1]';

CREATE OR REPLACE FUNCTION pg_redshift.sum_and_count(state numeric[], value bigint) RETURNS numeric[]
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ARRAY[state[1] + value, state[2] + 1]';

CREATE OR REPLACE FUNCTION pg_redshift.decimal_average(state numeric[]) RETURNS numeric
LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.round(state[1] / nullif(state[2], 0), scale(state[1]))';

CREATE OR REPLACE FUNCTION pg_redshift.bigint_average(state numeric[]) RETURNS bigint
LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.trunc(state[1] / nullif(state[2], 0))::bigint';

CREATE OR REPLACE AGGREGATE pg_redshift.avg(smallint) (
    SFUNC = int2_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = pg_redshift.whole_average
);
CREATE OR REPLACE AGGREGATE pg_redshift.avg(integer) (
    SFUNC = int4_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = pg_redshift.whole_average
);
CREATE OR REPLACE AGGREGATE pg_redshift.avg(bigint) (
    SFUNC = pg_redshift.sum_and_count, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = pg_redshift.bigint_average
);
CREATE OR REPLACE AGGREGATE pg_redshift.avg(numeric) (
    SFUNC = pg_redshift.sum_and_count, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = pg_redshift.decimal_average
);
CREATE OR REPLACE AGGREGATE pg_redshift.avg(double precision) (
    SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg
);

-- Hashes ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION pg_redshift.sha2(value text, bits integer) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT encode(CASE bits
        WHEN 224 THEN sha224(convert_to(value, 'UTF8'))
        WHEN 384 THEN sha384(convert_to(value, 'UTF8'))
        WHEN 512 THEN sha512(convert_to(value, 'UTF8'))
        ELSE sha256(convert_to(value, 'UTF8')) END, 'hex')
$$;

-- 64-bit FNV-1a over a value's bytes.
CREATE OR REPLACE FUNCTION pg_redshift.fnv_bytes(value bytea, seed bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    hash bigint := seed;
    product numeric;
BEGIN
    FOR i IN 0 .. octet_length(value) - 1 LOOP
        product := ((hash # get_byte(value, i)) * 1099511628211::numeric) % 18446744073709551616;
        product := CASE WHEN product < 0 THEN product + 18446744073709551616 ELSE product END;
        hash := CASE WHEN product > 9223372036854775807 THEN product - 18446744073709551616 ELSE product END;
    END LOOP;
    RETURN hash;
END $$;

CREATE OR REPLACE FUNCTION pg_redshift.fnv_hash(value text, seed bigint DEFAULT -3750763034362895579) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$SELECT pg_redshift.fnv_bytes(convert_to(value, 'UTF8'), seed)$$;

-- Text and bytes ----------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION pg_redshift.len(value text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT char_length(value)';

CREATE OR REPLACE FUNCTION pg_redshift.len(value bytea) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT octet_length(value)';

CREATE OR REPLACE FUNCTION pg_redshift.charindex(part text, value text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT strpos(value, part)';

CREATE OR REPLACE FUNCTION pg_redshift.concat(a text, b text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT a || b';

CREATE OR REPLACE FUNCTION pg_redshift.regexp_replace(value text, pattern text, replacement text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT pg_catalog.regexp_replace(value, pattern, replacement, 'g')$$;

CREATE OR REPLACE FUNCTION pg_redshift.regexp_substr(value text, pattern text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT coalesce(pg_catalog.regexp_substr(value, pattern), '')$$;

CREATE OR REPLACE FUNCTION pg_redshift.strtol(value text, base integer) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    digits text := lower(ltrim(value, '-'));
    total numeric := 0;
    digit integer;
BEGIN
    IF base = 16 THEN
        digits := regexp_replace(digits, '^0x', '');
    END IF;
    FOR i IN 1 .. char_length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, i, 1)) - 1;
        IF digit < 0 OR digit >= base THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = format('The input %s is not valid to be converted using base %s', value, base);
        END IF;
        total := total * base + digit;
    END LOOP;
    RETURN CASE WHEN value LIKE '-%' THEN -total ELSE total END;
END $$;

CREATE OR REPLACE FUNCTION pg_redshift.to_hex(value bytea) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT encode(value, 'hex')$$;

CREATE OR REPLACE FUNCTION pg_redshift.to_hex(value bigint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.to_hex(value)';

CREATE OR REPLACE FUNCTION pg_redshift.to_hex(value integer) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.to_hex(value)';

CREATE OR REPLACE FUNCTION pg_redshift.from_hex(value text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT decode(value, 'hex')$$;

CREATE OR REPLACE FUNCTION pg_redshift.to_varbyte(value text, form text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE lower(form) WHEN 'hex' THEN decode(value, 'hex') WHEN 'base64' THEN decode(value, 'base64')
        ELSE convert_to(value, form) END
$$;

CREATE OR REPLACE FUNCTION pg_redshift.from_varbyte(value bytea, form text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE lower(form) WHEN 'hex' THEN encode(value, 'hex') WHEN 'base64' THEN encode(value, 'base64')
        ELSE convert_from(value, form) END
$$;

-- NULLs and empty strings are left out; the result has VARCHAR's limit.
CREATE OR REPLACE FUNCTION pg_redshift.listagg_add(list text, value anyelement, delimiter text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF coalesce(value::text, '') = '' THEN
        RETURN list;
    END IF;
    list := coalesce(list || coalesce(delimiter, ''), '') || value::text;
    IF octet_length(list) > 65535 THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'Result size exceeds LISTAGG limit';
    END IF;
    RETURN list;
END $$;

CREATE OR REPLACE FUNCTION pg_redshift.listagg_add(list text, value anyelement) RETURNS text
LANGUAGE sql IMMUTABLE AS 'SELECT pg_redshift.listagg_add(list, value, NULL)';

CREATE OR REPLACE AGGREGATE pg_redshift.listagg(anyelement, text) (SFUNC = pg_redshift.listagg_add, STYPE = text);
CREATE OR REPLACE AGGREGATE pg_redshift.listagg(anyelement) (SFUNC = pg_redshift.listagg_add, STYPE = text);

-- JSON --------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION pg_redshift.json_parse(value text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT value::jsonb';

CREATE OR REPLACE FUNCTION pg_redshift.json_serialize(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_catalog.regexp_replace(value::text, '("(?:[^"\\]|\\.)*")|([,:]) ', '\1\2', 'g')
$$;

CREATE OR REPLACE FUNCTION pg_redshift.can_json_parse(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    PERFORM value::jsonb;
    RETURN true;
EXCEPTION WHEN data_exception THEN
    RETURN false;
END $$;

CREATE OR REPLACE FUNCTION pg_redshift.json_is(value text, kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN pg_redshift.can_json_parse(value) THEN jsonb_typeof(value::jsonb) = kind ELSE false END
$$;

CREATE OR REPLACE FUNCTION pg_redshift.is_valid_json(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT pg_redshift.json_is(value, 'object')$$;

CREATE OR REPLACE FUNCTION pg_redshift.is_valid_json_array(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT AS $$SELECT pg_redshift.json_is(value, 'array')$$;

CREATE OR REPLACE FUNCTION pg_redshift.json_extract_path_text(value text, VARIADIC path text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.json_extract_path_text(value::json, VARIADIC path)';

CREATE OR REPLACE FUNCTION pg_redshift.json_array_length(value text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.json_array_length(value::json)';

CREATE OR REPLACE FUNCTION pg_redshift.json_extract_array_element_text(value text, place integer) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS 'SELECT value::json ->> place';

-- Session and server ------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION pg_redshift.version() RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2, Redshift 1.0 (stand-in over '
        || split_part(pg_catalog.version(), ' on ', 1) || ')'
$$;

-- 0 as long as this session ran no COPY, and after a COPY that failed.
CREATE OR REPLACE FUNCTION pg_redshift.pg_last_copy_count() RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN currval('pg_redshift.copy_count');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN 0;
END $$;

CREATE OR REPLACE FUNCTION pg_redshift.pg_last_copy_id() RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN currval('pg_redshift.copy_id');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN -1;
END $$;
