-- How text of addresses compares; on any locale, C among them.
SELECT value, ganje.fold_text(value) AS folded FROM (VALUES (1, 'İSTANBUL'), (2, 'İstanbul'), (3, 'istanbul'), (4, 'ISTANBUL'), (5, 'ıstanbul'), (6, 'i̇stanbul'), (7, 'I' || U&'\0307' || 'stanbul'),
    (8, 'KADIKÖY'), (9, 'Kadıköy'), (10, 'kadikoy'), (11, 'KadIko' || U&'\0308' || 'y'), (12, 'تهران'), (13, 'قم'), (14, 'كرج'), (15, 'کرج'), (16, 'ري'), (17, 'ری'), (18, '٣٤ ۳۴ 34'),
    (19, E'  a \t b\n c  '), (20, 'ß'), (21, 'ẞ'), (22, 'Σίσυφος'), (23, 'ΣΊΣΥΦΟΣ'), (24, 'ÅNGSTRÖM'), (25, U&'\212Bngström'), (26, '')) AS t(n, value) ORDER BY n;

CREATE FUNCTION pg_temp.same(a text, b text) RETURNS boolean LANGUAGE sql AS $$
    SELECT (ganje.fold_text(a) = ganje.fold_text(b)) $$;
SELECT a, b, pg_temp.same(a, b), expected, CASE WHEN pg_temp.same(a, b) = expected THEN '' ELSE 'WRONG' END AS verdict
  FROM (VALUES ('İSTANBUL', 'istanbul', true), ('İstanbul', 'ISTANBUL', true), ('ıstanbul', 'İSTANBUL', true), ('Diyarbakır', 'DİYARBAKIR', true),
    ('KADIKÖY', 'Kadıköy', true), ('Kadıköy', 'kadikoy', false), ('ö', 'o', false), ('ç', 'c', false), ('ş', 's', false), ('ğ', 'g', false), ('ü', 'u', false), ('â', 'a', false),
    ('ö', 'o' || U&'\0308', true), ('كرج', 'کرج', true), ('ري', 'ری', true), ('تهران', 'تهران', true), ('تهران', 'طهران', false), ('بند ٣', 'بند ۳', true), ('بند 3', 'بند ۳', true),
    ('Bağcılar  Mah.', 'BAĞCILAR MAH.', true), ('a' || U&'\00A0' || 'b', 'a b', true), ('ab', 'a b', false), ('34', '34 ', true)) AS t(a, b, expected);

-- As a zone's rule: stored in any spelling, asked in any other.
INSERT INTO ganje.zone (zone_id, name, rules) VALUES
    ('Z24A', 'Istanbul', '[{"addr": {"city": {"IN": ["İstanbul"]}, "district": {"IN": ["KADIKÖY", "Üsküdar"]}}}]'),
    ('Z24B', 'Tehran', '[{"addr": {"city": {"IN": ["تهران", "كرج"]}}}]');
SELECT a AS address, ganje.locate_zone_by_address(a) AS zone FROM jsonb_array_elements('[{"city": "ISTANBUL", "district": "Kadıköy"}, {"city": "istanbul", "district": "kadiköy"},
    {"city": "İSTANBUL", "district": "kadikoy"}, {"city": "ıstanbul", "district": "ÜSKÜDAR"}, {"city": "istanbul", "district": "uskudar"}, {"city": "تهران"}, {"city": " کرج "}]') WITH ORDINALITY AS t(a, n) ORDER BY n;
SELECT ganje.fold_text(NULL) IS NULL AS null_in, ganje.fold_text(ganje.fold_text('İ Ö ي ٣')) = ganje.fold_text('İ Ö ي ٣') AS settled;
DELETE FROM ganje.zone;
