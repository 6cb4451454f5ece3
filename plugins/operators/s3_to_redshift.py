"""Operator that loads files from S3 into a Redshift table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context

    from warehouse.manifest import Manifest


class S3ToRedshiftOperator(BaseOperator):
    """Load a table from S3 into Redshift by primary key, exactly; in place of the Amazon provider's operator.

    :param manifest: S3 URL of a manifest of :class:`operators.mysql_to_s3.MySQLToS3Operator`, or a list of several that
        hold key ranges of one table. (templated)
    :param schema: None for the manifest's target. (templated)
    :param table: None for the manifest's target. (templated)
    :param method: "UPSERT", or "REPLACE" for a full refresh. (templated)
    :param audit_table: one row per load is written there.
    :returns: by XCom: `target`, `manifests` and the counts of :class:`warehouse.load.Loaded`.
    """

    template_fields: Sequence[str] = ("s3_bucket", "s3_key", "schema", "table", "column_list", "method", "manifest")
    ui_color = "#99e699"

    def __init__(
        self,
        *,
        table: str | None = None,
        s3_bucket: str | None = None,
        s3_key: str | None = None,
        schema: str | None = None,
        redshift_conn_id: str = "redshift_default",
        aws_conn_id: str = "aws_default",
        column_list: list[str] | None = None,
        method: str | None = None,
        manifest: str | list[str] | None = None,
        distkey: str | None = None,
        sortkey: Sequence[str] = (),
        audit_table: str = "audit.loads",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.s3_bucket = s3_bucket
        self.s3_key = s3_key
        self.schema = schema
        self.redshift_conn_id = redshift_conn_id
        self.aws_conn_id = aws_conn_id
        self.column_list = column_list
        self.method = method
        self.manifest = manifest
        self.distkey = distkey
        self.sortkey = sortkey
        self.audit_table = audit_table

    def execute(self, context: Context) -> dict[str, Any]:
        """Load; what a retry cannot cure fails the task at once."""
        from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook

        from warehouse.errors import WarehouseError, WarehouseUnavailableError
        from warehouse.load import Authorization, load
        from warehouse.load_plan import Method, Relation, plan_manifests
        from warehouse.target import Layout

        urls = [self.manifest] if isinstance(self.manifest, str) else list(self.manifest or ())
        hook = RedshiftSQLHook(redshift_conn_id=self.redshift_conn_id)
        try:
            plan = plan_manifests(
                [(url, self._read_manifest(url)) for url in urls],
                target=Relation(self.schema, self.table) if self.table else None,
                audit=Relation.parse(self.audit_table),
                method=Method(self.method or "UPSERT"),
                column_list=self.column_list,
            )
            loaded = load(
                hook.get_conn,
                plan,
                Authorization(f"IAM_ROLE '{hook.conn.extra_dejson['role_arn']}'"),
                layout=Layout(self.distkey, tuple(self.sortkey)),
                loaded_by=_loaded_by(context),
                name=self.redshift_conn_id,
            )
        except WarehouseUnavailableError:
            raise
        except WarehouseError as error:
            raise AirflowFailException(str(error)) from error
        self.log.info("loaded %s: %s", plan.target, loaded)
        return {"target": str(plan.target), "manifests": [files.load_id for files in plan.files], **loaded.to_dict()}

    def _read_manifest(self, url: str) -> Manifest:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from warehouse.manifest import Manifest

        bucket, key = S3Hook.parse_s3_url(url)
        return Manifest.from_json(S3Hook(aws_conn_id=self.aws_conn_id).read_key(key, bucket), url)


def _loaded_by(context: Context) -> str:
    ti = context.get("ti")
    return f"{ti.dag_id} {ti.run_id} {ti.task_id}" if ti else ""
