-- The extension that every other test of this suite stands on.
CREATE EXTENSION ganje_logistics;
SELECT extname, extversion, extnamespace::regnamespace, extrelocatable FROM pg_extension WHERE extname = 'ganje_logistics';
