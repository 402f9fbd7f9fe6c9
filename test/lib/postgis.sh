# PostGIS, as a peer to compare answers and times with: sourced after machine.sh.

# A PostgreSQL elsewhere than Debian's is lent Debian's PostGIS, where it has none.
lend_postgis()
{
	local library extensions theirs=/usr/share/postgresql/$postgresql/extension

	library=$("$pg_config" --pkglibdir)
	extensions=$("$pg_config" --sharedir)/extension
	[ ! -f "$extensions/postgis.control" ] || return 0
	[ -f "$theirs/postgis.control" ] || die "PostGIS for PostgreSQL $postgresql is not installed."
	[ -w "$library" ] || die "$library has no PostGIS, and cannot be lent one."
	cp -L "/usr/lib/postgresql/$postgresql/lib/postgis-3.so" "$library/"
	cp -L "$theirs/postgis.control" "$theirs"/postgis--[0-9]*.[0-9]*.[0-9].sql "$extensions/"
}
