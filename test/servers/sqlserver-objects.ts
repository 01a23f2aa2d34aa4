// T-SQL that makes a database with a bit of everything: what every server of the language knows, and what only some do.

export const plainObjects: readonly string[] = [
  'CREATE SCHEMA sales',
  `CREATE TABLE customers (
    id int IDENTITY(5,2) NOT NULL CONSTRAINT PK_customers PRIMARY KEY,
    email nvarchar(200) NOT NULL CONSTRAINT UQ_email UNIQUE,
    born date NULL, seen datetime2(7) NULL, guid uniqueidentifier NULL, active bit NOT NULL CONSTRAINT DF_active DEFAULT (1))`,
  `INSERT INTO customers (email, born, seen, guid, active) VALUES
    (N'é🐙@example.org', '2020-02-29', '0001-01-01 00:00:00.1234567', '6F9619FF-8B86-D011-B42D-00C04FC964FF', 0),
    (N'it''s', NULL, NULL, NULL, 1), (N'', '9999-12-31', '9999-12-31 23:59:59.9999999', NULL, 1)`,
  `CREATE TABLE sales.orders (
    id bigint IDENTITY(1,1) NOT NULL CONSTRAINT PK_orders PRIMARY KEY,
    customer int NULL CONSTRAINT FK_customer REFERENCES customers (id),
    total decimal(18,4) NOT NULL CONSTRAINT CK_total CHECK (total >= 0), price money NULL, ratio float NULL, small real NULL,
    note nvarchar(max) NULL, code varchar(20) NULL, raw varbinary(max) NULL, placed datetime NULL)`,
  `INSERT INTO sales.orders (customer, total, price, ratio, small, note, code, raw, placed) VALUES
    (5, 12345678901234.5678, 922337203685477.5807, 0.1, 1.5, N'line one' + NCHAR(13) + NCHAR(10) + N'line two \\n', 'abc', 0x00FF0A0D, '2020-02-29T23:59:59.997'),
    (7, 0.0001, -0.0001, -1.7976931348623157E+308, 3.4E+38, N'', '', 0x, NULL), (NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
  'CREATE INDEX IX_total ON sales.orders (total DESC) INCLUDE (code)',
  `CREATE TABLE [Ta b.le é] ([Co'l] int NOT NULL, [a b] nvarchar(10) NULL)`,
  `INSERT INTO [Ta b.le é] VALUES (1, N'x'), (2, NULL)`,
  'CREATE TABLE nothing_in_it (id int NOT NULL)',
  'CREATE VIEW sales.z_view AS SELECT id, total FROM sales.orders',
  'CREATE VIEW sales.a_view AS SELECT id FROM sales.z_view',
  'CREATE PROCEDURE act @a int AS SELECT @a AS a',
];

/** Each is tried; a server that does not know it leaves it. */
export const optionalObjects: readonly string[] = [
  `CREATE TABLE [Ta'b "le"] (id int NOT NULL)`,
  `INSERT INTO [Ta'b "le"] VALUES (1)`,
  `CREATE TABLE [Ta]]b'le] ([Co]]l] int NOT NULL, [a b] nvarchar(10) NULL)`,
  `INSERT INTO [Ta]]b'le] VALUES (1, N'x'), (2, NULL)`,
  'CREATE TABLE v (id int NOT NULL, x sql_variant NULL)',
  `INSERT INTO v VALUES (1, CAST(1.50 AS decimal(5,2))), (2, CAST(N'é' AS nvarchar(10))), (3, CAST('2020-01-01' AS date)), (4, NULL), (5, CAST(1 AS bigint))`,
  'CREATE TABLE x (id int NOT NULL, doc xml NULL)',
  `INSERT INTO x VALUES (1, N'<a>1<b/></a>'), (2, NULL)`,
  'CREATE TABLE z (id int NOT NULL, at datetimeoffset(7) NULL, clock time(7) NULL, minute smalldatetime NULL, change smallmoney NULL, fixed binary(4) NULL, letters nchar(5) NULL)',
  `INSERT INTO z VALUES (1, '2020-02-29 12:00:00.1234567 -03:30', '23:59:59.9999999', '2020-02-29T23:59:00', 214748.3647, 0x01, N'ab')`,
  'CREATE TABLE h (id int NOT NULL, node hierarchyid NULL)',
  `INSERT INTO h VALUES (1, CAST('/1/2.3/' AS hierarchyid)), (2, NULL)`,
  'CREATE TABLE g (id int NOT NULL, place geography NULL)',
  `INSERT INTO g VALUES (1, geography::STGeomFromText('POINT(-122.35 47.65)', 4326)), (2, NULL)`,
  'CREATE TABLE c (id int NOT NULL, twice AS (id * 2))',
  'INSERT INTO c (id) VALUES (3)',
  'CREATE TABLE rv (id int NOT NULL, version rowversion)',
  'INSERT INTO rv (id) VALUES (1)',
  'CREATE TYPE dbo.code FROM varchar(10) NOT NULL',
  'CREATE SYNONYM people FOR customers',
  'CREATE FUNCTION dbo.twice(@a int) RETURNS int AS BEGIN RETURN @a * 2 END',
  'CREATE TRIGGER sales.noted ON sales.orders AFTER INSERT AS SET NOCOUNT ON',
  // Where the catalogue does not tell of them, they would be reported as not kept.
  `IF EXISTS (SELECT 1 FROM sys.all_views WHERE name = 'sequences') EXEC('CREATE SEQUENCE counter AS bigint START WITH 5 INCREMENT BY 3')`,
  'SELECT NEXT VALUE FOR counter AS taken',
  'CREATE UNIQUE INDEX IX_filtered ON sales.orders (code) WHERE code IS NOT NULL',
  `EXEC sp_addextendedproperty @name = N'about', @value = N'who buys', @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'TABLE', @level1name = N'customers'`,
  'CREATE ROLE readers',
  'GRANT SELECT ON customers TO readers',
];

/** What the tables of `plainObjects` hold, as texts. */
export const tablesToCompare: readonly string[] = [
  `SELECT id, email, CONVERT(varchar(40), born, 23) AS born, CONVERT(varchar(40), seen, 121) AS seen, guid, CAST(active AS int) AS active
    FROM customers ORDER BY id`,
  `SELECT CONVERT(varchar(40), id) AS id, customer, CONVERT(varchar(40), total) AS total, CONVERT(varchar(40), CONVERT(decimal(19,4), price)) AS price, ratio, small,
    note, code, raw, CONVERT(varchar(40), placed, 126) AS placed FROM sales.orders ORDER BY 1`,
  `SELECT [Co'l] AS a, [a b] AS b FROM [Ta b.le é] ORDER BY 1`,
  'SELECT COUNT(*) AS found FROM nothing_in_it',
  'SELECT id FROM sales.a_view ORDER BY id',
];
