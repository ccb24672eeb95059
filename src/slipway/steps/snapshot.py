"""What a database holds, asked inside one snapshot: the psql script, and how its answer is read.

Each fact is one line, `slipway ["kind", "name", number]`: JSON, because a table's name may hold anything.
Facts come from the database itself, not from the dump, so a dump without a table, or without its rows, is noticed.
"""

import json
from collections.abc import Iterable

from slipway.errors import Refused
from slipway.release.backup import Facts

_MARK = "slipway "

# Not counted: tables of extensions (which bring them back) and materialized views (which a restore fills anew).
_OURS = r"""n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{catalog}'::regclass AND d.objid = {alias}.oid
                  AND d.deptype = 'e')"""
_CLASS = _OURS.format(catalog="pg_class", alias="c")

# Inside a transaction. An index that is not valid is not in a dump, so only valid ones count.
FACTS = rf"""
SELECT 'slipway ' || json_build_array('server', current_setting('server_version'), 0);
SELECT format('SELECT ''slipway '' || json_build_array(''rows'', %L::text, (SELECT count(*) FROM ONLY %I.%I))',
              n.nspname || '.' || c.relname, n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND {_CLASS} ORDER BY 1 \gexec
SELECT 'slipway ' || json_build_array('objects', kind, count(*)) FROM (
  SELECT CASE c.relkind WHEN 'r' THEN 'tables' WHEN 'p' THEN 'partitioned tables' WHEN 'v' THEN 'views'
         WHEN 'm' THEN 'materialized views' WHEN 'S' THEN 'sequences' WHEN 'i' THEN 'indexes'
         WHEN 'I' THEN 'partitioned indexes' WHEN 'f' THEN 'foreign tables' ELSE 'types' END AS kind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
   WHERE COALESCE(i.indisvalid, true) AND {_CLASS}
  UNION ALL SELECT CASE o.contype WHEN 'p' THEN 'primary keys' WHEN 'f' THEN 'foreign keys' ELSE 'constraints' END
    FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
   WHERE {_OURS.format(catalog="pg_constraint", alias="o")}
  UNION ALL SELECT 'constraints not validated'
    FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
   WHERE NOT o.convalidated AND {_OURS.format(catalog="pg_constraint", alias="o")}
  UNION ALL SELECT 'functions' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE {_OURS.format(catalog="pg_proc", alias="p")}
  UNION ALL SELECT 'triggers' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND {_CLASS}
  UNION ALL SELECT 'extensions' FROM pg_extension
) found GROUP BY kind;
SELECT format('SELECT ''slipway '' || json_build_array(''behind'', %L::text, 1) '
              'WHERE (SELECT max(%I) FROM %I.%I) > COALESCE(pg_sequence_last_value(%s::oid::regclass), 0)',
              sn.nspname || '.' || s.relname, a.attname, n.nspname, c.relname, s.oid)
  FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
  JOIN pg_namespace sn ON sn.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0
  JOIN pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
   AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
 WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
   AND {_CLASS} \gexec
"""  # noqa: S608 - put together from the constants above

# Run by psql with descriptor 3 as the dump's destination. psql before 16 does not tell how a command of `\!` ended,
# so pg_dump runs in backquotes that give nothing but its exit code.
DUMP = (
    r"""
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL row_security = off;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SLIPWAY_SNAPSHOT :snapshot
"""
    + FACTS
    + r"""
\set code `pg_dump --format=custom --no-tablespaces --lock-wait-timeout=60s --snapshot="$SLIPWAY_SNAPSHOT" >&3; echo $?`
SELECT :code = 0 AS dumped \gset
\if :dumped
\else
DO $$ BEGIN RAISE EXCEPTION 'pg_dump failed'; END $$;
\endif
COMMIT;
\set client `pg_dump --version`
SELECT 'slipway ' || json_build_array('client', :'client', 0);
"""
)

RESTORED = f"BEGIN READ ONLY;\nSET LOCAL row_security = off;\n{FACTS}\nCOMMIT;\n"


def read_facts(lines: Iterable[str]) -> tuple[Facts, str, tuple[str, ...]]:
    """Return the facts, the client's version and every other line. Raises `Refused` on a fact that is cut."""
    rows: dict[str, int] = {}
    objects: dict[str, int] = {}
    behind: list[str] = []
    words = {"server": "", "client": ""}
    others: list[str] = []
    for line in lines:
        if not line.startswith(_MARK):
            others.append(line)
            continue
        try:
            kind, name, number = json.loads(line.removeprefix(_MARK))
        except ValueError as error:
            raise Refused(f"psql's answer was cut: {line[:80]!r}", where="database") from error
        if kind == "rows":
            rows[name] = number
        elif kind == "objects":
            objects[name] = number
        elif kind == "behind":
            behind.append(name)
        else:
            words[kind] = name
    return Facts(rows, objects, tuple(sorted(behind)), words["server"]), words["client"], tuple(others)
