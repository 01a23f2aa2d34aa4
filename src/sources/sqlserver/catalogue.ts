// What the catalogue views are asked, in plain columns that all versions have, and Azure SQL and Babelfish too. Each question stands
// alone: where a view is missing, only what it tells is missing.

/** Of every question: the view that it cannot do without, and what its answer is about. */
export interface Question {
  readonly sql: string;
  /** In messages: 'the sequences'. */
  readonly about: string;
  /** How sys.objects calls such things, so that they can be named where the view is missing. */
  readonly objectTypes?: readonly string[];
  /** A backup can do without the answer, and tells that it does or keeps silent. */
  readonly optional?: 'told' | 'silent';
}

const inSchema = 'join sys.schemas s on s.schema_id = ';

export const questions = {
  database: {
    about: 'the database',
    sql: `select name, collation_name as collation, cast(compatibility_level as int) as compatibility,
      cast(snapshot_isolation_state as int) as snapshotState, cast(is_read_committed_snapshot_on as int) as rcsi,
      recovery_model_desc as recovery from sys.databases where name = db_name()`,
  },
  schemas: {
    about: 'the schemas',
    sql: `select s.schema_id as id, s.name, p.name as owner from sys.schemas s
      left join sys.database_principals p on p.principal_id = s.principal_id`,
  },
  principals: {
    about: 'the users and roles',
    sql: `select principal_id as id, name, type, default_schema_name as defaultSchema, owning_principal_id as owner
      from sys.database_principals`,
  },
  logins: {
    about: 'the logins of users',
    optional: 'silent',
    sql: 'select principal_id as id, suser_sname(sid) as login from sys.database_principals',
  },
  members: {
    about: 'the members of roles',
    sql: 'select role_principal_id as role, member_principal_id as member from sys.database_role_members',
  },
  types: {
    about: 'the types',
    sql: `select t.user_type_id as id, t.system_type_id as systemId, s.name as [schema], t.name, t.max_length as maxLength,
      t.[precision], t.scale, cast(t.is_nullable as int) as nullable, cast(t.is_user_defined as int) as userDefined
      from sys.types t left join sys.schemas s on s.schema_id = t.schema_id`,
  },
  tables: {
    about: 'the tables',
    objectTypes: ['U'],
    sql: `select t.object_id as id, s.name as [schema], t.name from sys.tables t ${inSchema}t.schema_id where t.is_ms_shipped = 0`,
  },
  tableTypes: {
    about: 'the table types',
    objectTypes: ['TT'],
    sql: `select t.type_table_object_id as id, s.name as [schema], t.name from sys.table_types t ${inSchema}t.schema_id
      where t.is_user_defined = 1`,
  },
  columns: {
    about: 'the columns',
    sql: `select object_id as object, column_id as id, name, user_type_id as type, max_length as maxLength, [precision], scale,
      collation_name as collation, cast(is_nullable as int) as nullable, cast(is_identity as int) as [identity],
      cast(is_computed as int) as computed, cast(is_rowguidcol as int) as rowGuid, cast(is_sparse as int) as sparse from sys.columns`,
  },
  computed: {
    about: 'the computed columns',
    sql: 'select object_id as object, column_id as id, definition, cast(is_persisted as int) as persisted from sys.computed_columns',
  },
  identities: {
    about: 'the identity columns',
    // Babelfish tells of each as often as there are any, with the last value of another, and of no seed outside of dbo.
    sql: `select i.object_id as object, i.column_id as id,
      case when n.told > 1 or i.seed_value is null then convert(nvarchar(40), ident_seed(n.name)) else convert(nvarchar(40), i.seed_value) end as seed,
      case when n.told > 1 or i.increment_value is null then convert(nvarchar(40), ident_incr(n.name)) else convert(nvarchar(40), i.increment_value) end as increment,
      case when n.told > 1 then convert(nvarchar(40), ident_current(n.name)) else convert(nvarchar(40), i.last_value) end as last
      from sys.identity_columns i join (select object_id, count(*) as told,
        quotename(object_schema_name(object_id)) + '.' + quotename(object_name(object_id)) as name
        from sys.identity_columns group by object_id) n on n.object_id = i.object_id`,
  },
  defaults: {
    about: 'the defaults',
    objectTypes: ['D'],
    sql: 'select parent_object_id as object, parent_column_id as id, name, definition from sys.default_constraints',
  },
  checks: {
    about: 'the check constraints',
    objectTypes: ['C'],
    sql: `select parent_object_id as object, object_id as id, name, definition, cast(is_disabled as int) as disabled,
      cast(is_not_trusted as int) as notTrusted from sys.check_constraints`,
  },
  indexes: {
    about: 'the indexes',
    sql: `select object_id as object, index_id as id, name, cast(type as int) as type, type_desc as kind,
      cast(is_unique as int) as [unique], cast(is_primary_key as int) as primaryKey,
      cast(is_unique_constraint as int) as uniqueConstraint, cast(is_disabled as int) as disabled, filter_definition as [filter],
      cast(fill_factor as int) as [fillFactor], cast(ignore_dup_key as int) as ignoreDuplicates from sys.indexes where type > 0`,
  },
  indexColumns: {
    about: 'the columns of indexes',
    sql: `select object_id as object, index_id as [index], column_id as [column], index_column_id as position,
      cast(key_ordinal as int) as keyOrdinal, cast(is_descending_key as int) as [descending],
      cast(is_included_column as int) as included from sys.index_columns`,
  },
  foreignKeys: {
    about: 'the foreign keys',
    objectTypes: ['F'],
    sql: `select object_id as id, parent_object_id as object, referenced_object_id as target, name,
      cast(delete_referential_action as int) as onDelete, cast(update_referential_action as int) as onUpdate,
      cast(is_disabled as int) as disabled, cast(is_not_trusted as int) as notTrusted from sys.foreign_keys`,
  },
  foreignKeyColumns: {
    about: 'the columns of foreign keys',
    sql: `select constraint_object_id as id, constraint_column_id as position, parent_column_id as [column],
      referenced_column_id as target from sys.foreign_key_columns`,
  },
  modules: {
    about: 'the views, procedures and functions',
    objectTypes: ['V', 'P', 'FN', 'IF', 'TF'],
    sql: `select o.object_id as id, s.name as [schema], o.name, o.type, m.definition, cast(m.uses_ansi_nulls as int) as ansiNulls,
      cast(m.uses_quoted_identifier as int) as quotedIdentifier from sys.sql_modules m join sys.objects o on o.object_id = m.object_id
      ${inSchema}o.schema_id where o.is_ms_shipped = 0 and o.type in ('V', 'P', 'FN', 'IF', 'TF')`,
  },
  triggers: {
    about: 'the triggers',
    objectTypes: ['TR'],
    sql: `select t.object_id as id, t.parent_id as object, t.name, m.definition, cast(t.is_disabled as int) as disabled,
      cast(m.uses_ansi_nulls as int) as ansiNulls, cast(m.uses_quoted_identifier as int) as quotedIdentifier
      from sys.triggers t left join sys.sql_modules m on m.object_id = t.object_id where t.is_ms_shipped = 0`,
  },
  sequences: {
    about: 'the sequences',
    objectTypes: ['SO'],
    sql: `select q.object_id as id, s.name as [schema], q.name, q.user_type_id as type, q.[precision], q.scale,
      convert(nvarchar(40), q.start_value) as start, convert(nvarchar(40), q.increment) as increment,
      convert(nvarchar(40), q.minimum_value) as minimum, convert(nvarchar(40), q.maximum_value) as maximum,
      cast(q.is_cycling as int) as [cycle], cast(q.is_cached as int) as cached, q.cache_size as cacheSize,
      convert(nvarchar(40), q.current_value) as [current] from sys.sequences q ${inSchema}q.schema_id`,
  },
  // SQL Server 2017 and newer.
  sequenceUse: {
    about: 'whether sequences were used',
    optional: 'silent',
    sql: 'select object_id as id, convert(nvarchar(40), last_used_value) as lastUsed from sys.sequences',
  },
  synonyms: {
    about: 'the synonyms',
    objectTypes: ['SN'],
    sql: `select y.object_id as id, s.name as [schema], y.name, y.base_object_name as target from sys.synonyms y ${inSchema}y.schema_id`,
  },
  temporal: {
    about: 'the temporal tables',
    optional: 'told',
    sql: `select object_id as id, history_table_id as history, cast(temporal_type as int) as type from sys.tables where temporal_type > 0`,
  },
  periods: {
    about: 'the periods of temporal tables',
    optional: 'told',
    sql: 'select object_id as object, start_column_id as startColumn, end_column_id as endColumn from sys.periods',
  },
  // SQL Server 2017 and newer.
  retention: {
    about: 'how long history is kept',
    optional: 'silent',
    sql: `select object_id as id, history_retention_period as length, history_retention_period_unit_desc as unit
      from sys.tables where temporal_type = 2 and history_retention_period > 0`,
  },
  hidden: {
    about: 'hidden columns',
    optional: 'silent',
    sql: 'select object_id as object, column_id as id from sys.columns where is_hidden = 1',
  },
  compression: {
    about: 'compressed tables and indexes',
    optional: 'silent',
    sql: `select object_id as object, index_id as [index], data_compression_desc as compression
      from sys.partitions where partition_number = 1 and data_compression in (1, 2, 4)`,
  },
  partitioned: {
    about: 'the partitioned tables',
    optional: 'told',
    sql: `select distinct i.object_id as object, d.name as scheme from sys.indexes i
      join sys.data_spaces d on d.data_space_id = i.data_space_id where d.type = 'PS'`,
  },
  // What is not kept, so that it can be named.
  typedXml: {
    about: 'XML columns with a schema',
    optional: 'silent',
    sql: `select t.object_id as object, c.name from sys.columns c join sys.tables t on t.object_id = c.object_id where c.xml_collection_id <> 0`,
  },
  masks: {
    about: 'masked columns',
    optional: 'silent',
    // The right to see a single column is of SQL Server 2022; an older one answers NULL.
    sql: `select object_id as object, name, case when has_perms_by_name(db_name(), 'DATABASE', 'UNMASK') = 1
      or has_perms_by_name(quotename(object_schema_name(object_id)) + '.' + quotename(object_name(object_id)), 'OBJECT', 'UNMASK', name, 'COLUMN') = 1
      then 1 else 0 end as seen from sys.masked_columns where is_masked = 1`,
  },
  encrypted: {
    about: 'columns that clients encrypt',
    optional: 'silent',
    sql: 'select object_id as object, column_id as id from sys.columns where encryption_type is not null',
  },
  rowFilters: {
    about: 'policies that hide rows',
    optional: 'silent',
    sql: `select p.target_object_id as object, s.name from sys.security_predicates p
      join sys.security_policies s on s.object_id = p.object_id where s.is_enabled = 1 and p.predicate_type = 0`,
  },
  ledgers: {
    about: 'ledger tables',
    optional: 'silent',
    sql: 'select object_id as object from sys.tables where ledger_type > 0',
  },
  externalTables: {
    about: 'external tables',
    optional: 'silent',
    sql: 'select object_id as object from sys.external_tables',
  },
  columnSets: {
    about: 'column sets',
    optional: 'silent',
    sql: 'select object_id as object, name from sys.columns where is_column_set = 1',
  },
  memoryTables: {
    about: 'memory-optimised tables',
    optional: 'silent',
    sql: 'select object_id as object, name from sys.tables where is_memory_optimized = 1',
  },
  fullText: {
    about: 'full-text indexes',
    optional: 'silent',
    sql: 'select object_id as object from sys.fulltext_indexes',
  },
  properties: {
    about: 'the extended properties',
    sql: `select cast(class as int) as class, major_id as major, minor_id as minor, name, convert(nvarchar(max), value) as value
      from sys.extended_properties`,
  },
  permissions: {
    about: 'the permissions',
    sql: `select cast(class as int) as class, major_id as major, minor_id as minor, permission_name as permission, state,
      grantee_principal_id as grantee from sys.database_permissions`,
  },
  objects: {
    about: 'the objects',
    sql: `select o.object_id as id, s.name as [schema], o.name, o.type, o.parent_object_id as parent from sys.objects o
      ${inSchema}o.schema_id where o.is_ms_shipped = 0`,
  },
} as const satisfies Record<string, Question>;

export type QuestionName = keyof typeof questions;

/** The columns of one table, to see whether they are what they were. */
export const columnsOfSql = (objectId: number): string =>
  `select column_id as id, name, user_type_id as type, max_length as width, [precision], scale, cast(is_computed as int) as computed
    from sys.columns where object_id = ${objectId} order by column_id`;

export const versionSql = `select convert(nvarchar(128), serverproperty('ProductVersion')) as version, @@version as banner,
  convert(nvarchar(128), serverproperty('EngineEdition')) as edition`;

/** Databases that somebody made, and whether this login may enter them; copies of them at an instant are left out. */
export const databasesSql = `select name, cast(state as int) as state, state_desc as [condition], cast(has_dbaccess(name) as int) as access
  from sys.databases where name not in ('master', 'tempdb', 'model', 'msdb') and source_database_id is null`;
