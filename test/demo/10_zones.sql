\echo '== Where do we deliver? 145 provinces from a GeoJSON file become zones'
SELECT ganje.import_zones(pg_read_file(:'provinces')::jsonb, id_property => 'id') AS zones_imported;

-- What a file of borders does not know: fee, minimum and time zone.
SELECT ganje.upsert_zone('{"zoneId": "TUR-2265", "fee": 4.5, "timezone": 3}');
SELECT ganje.upsert_zone('{"zoneId": "IRN-3216", "fee": 4.5, "minCartTotal": 20, "timezone": "Asia/Tehran"}');

\echo '== Which zone is this? By a point, and by an address however it is spelled'
SELECT zone_id, name, fee, min_cart_total FROM ganje.locate_zones(35.7082, 51.4698);
SELECT ganje.locate_zone('{"location": {"lat": 41.0082, "lng": 28.9784}}');

SELECT ganje.upsert_zone('{"zoneId": "KADIKOY", "name": "Kadıköy", "priority": 1,
    "rules": [{"addr": {"city": {"IN": ["İSTANBUL"]}, "district": {"IN": ["KADIKÖY"]}}}]}');
SELECT spelling, ganje.locate_zone_by_address(jsonb_build_object('city', spelling, 'district', 'kadıköy')) AS zone_id
  FROM unnest(ARRAY['İstanbul', 'istanbul', 'ISTANBUL', 'Ankara']) AS spelling;
