# What an extension has made, as lines of text that can be compared: what two
# databases have alike has the same lines.
package CatalogTest;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(catalog_lines);

# Names alone, no oids, no order of creation: but for columns, whose order is what a COPY and SELECT * give.
my $members = q{
	WITH member AS (
		SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'ganje_logistics'
		 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'),
	relation AS (SELECT c.* FROM member JOIN pg_class AS c ON classid = 'pg_class'::regclass AND c.oid = objid)};
my $sql = $members . q{
	SELECT format('member %s', pg_describe_object(classid, objid, 0)) FROM member
	UNION ALL SELECT format('comment on %s: %s', pg_describe_object(classid, objid, 0), obj_description(objid, (SELECT relname FROM pg_class WHERE oid = classid))) FROM member
	UNION ALL SELECT format('function %s: %s', p.oid::regprocedure, pg_get_functiondef(p.oid)) FROM member JOIN pg_proc AS p ON classid = 'pg_proc'::regclass AND p.oid = objid
	UNION ALL SELECT format('rights on %s: %s', p.oid::regprocedure, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.proacl) AS a)) FROM member JOIN pg_proc AS p ON classid = 'pg_proc'::regclass AND p.oid = objid
	UNION ALL SELECT format('relation %s: %s %s %s %s rls %s %s, identity %s, partition %s', r.oid::regclass, r.relkind, r.relpersistence, r.reloptions,
		(SELECT array_agg(a::text ORDER BY a::text) FROM unnest(r.relacl) AS a), r.relrowsecurity, r.relforcerowsecurity, r.relreplident, pg_get_expr(r.relpartbound, r.oid)) FROM relation AS r
	UNION ALL SELECT format('view %s: %s', r.oid::regclass, pg_get_viewdef(r.oid)) FROM relation AS r WHERE r.relkind = 'v'
	UNION ALL SELECT format('column %s %s %s: %s %s %s %s %s %s', r.oid::regclass, rank() OVER (PARTITION BY r.oid ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod),
		CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(f.adbin, f.adrelid), a.attgenerated, a.attstorage, col_description(r.oid, a.attnum))
	   FROM relation AS r JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef AS f ON f.adrelid = r.oid AND f.adnum = a.attnum
	UNION ALL SELECT format('constraint %s of %s: %s', k.conname, r.oid::regclass, pg_get_constraintdef(k.oid)) FROM relation AS r JOIN pg_constraint AS k ON k.conrelid = r.oid
	UNION ALL SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM relation AS r JOIN pg_index AS i ON i.indrelid = r.oid
	UNION ALL SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled) FROM relation AS r JOIN pg_trigger AS t ON t.tgrelid = r.oid AND NOT t.tgisinternal
	UNION ALL SELECT format('policy %s on %s: %s %s %s %s %s', p.polname, r.oid::regclass, p.polcmd, p.polpermissive, p.polroles, pg_get_expr(p.polqual, r.oid), pg_get_expr(p.polwithcheck, r.oid))
	   FROM relation AS r JOIN pg_policy AS p ON p.polrelid = r.oid
	UNION ALL SELECT format('dumped %s %s', t.oid::regclass, t.condition) FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS t(oid, condition) WHERE e.extname = 'ganje_logistics'
	ORDER BY 1};

# Rows that the script itself writes: built-in carriers, what their statuses mean.
my $rows = q{
	SELECT 'row ' || c::text FROM ganje.carrier AS c UNION ALL SELECT 'row ' || m::text FROM ganje.status_mapping AS m ORDER BY 1};

sub catalog_lines
{
	my ($node, $database) = @_;
	# A definition has lines of its own: they are put into one.
	my $lines = sub { return split(/\n/, $node->safe_psql($database, "SELECT replace(line, E'\\n', ' / ') FROM ($_[0]) AS l(line)")); };
	return ($lines->($sql), $lines->($rows));
}

1;
