"""Operator that loads files from S3 into a Redshift table."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator as StockS3ToRedshiftOperator
from airflow.providers.amazon.version_compat import is_arg_set
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.sdk import Context

    from warehouse.load_plan import LoadPlan, Method, Relation
    from warehouse.redshift import Session
    from warehouse.redshift_access import Connector


class S3ToRedshiftOperator(StockS3ToRedshiftOperator):
    """Load files from S3 into a Redshift table, exactly, however often it is run; a drop-in for the Amazon provider's.

    Takes what that takes, with the same meaning. Rows always go through a temporary staging table and reach the target
    in one transaction, which locks it first; docs/redshift-load.md tells the steps. Give it a `manifest` of
    :class:`operators.mysql_to_s3.MySQLToS3Operator`, which knows columns, key and counts, or `s3_bucket` and `s3_key`.

    :param table: the target; None for the manifest's. (templated)
    :param schema: the target's schema. (templated)
    :param s3_bucket: bucket of files without a manifest of ours. (templated)
    :param s3_key: key, or what the keys begin with. (templated)
    :param method: "APPEND", "REPLACE" or "UPSERT". Default: UPSERT if there is a manifest or a primary_key, else
        APPEND. REPLACE of a manifest is a full refresh: it keeps rows that were extracted later, and tombstones.
        (templated)
    :param manifest: URL of a manifest, or URLs of several that hold key ranges of one table. (templated)
    :param primary_key: columns that name a row; known from a manifest. Without a manifest the same as `upsert_keys`,
        whose default is the primary key that the target declares. (templated)
    :param order_key: of rows with one key, the one with the greatest order_key is the newest; an older one never
        replaces a newer one. Known from a manifest. (templated)
    :param deleted_flag: the tombstone column; known from a manifest. `<table>_live` is a view of the other rows.
    :param column_list: columns of the files, or of a manifest's columns those to write; others keep their values.
        (templated)
    :param distkey: DISTKEY of a target that does not exist yet.
    :param sortkey: its SORTKEY.
    :param grants: who may read the target and its view of live rows without their personal columns, which the manifest
        names: "role NAME", "group NAME", "user NAME" or "public". Needs a manifest.
    :param audit_table: where each load leaves one row.
    :param autocommit: has no effect: every load is one transaction.
    :param redshift_data_api_kwargs: sends the provider's own statements through the Redshift Data API instead, without
        anything that is said here; only without manifest, primary_key, order_key and deleted_flag.
    :returns: by XCom: `target`, `load_ids` and the counts of :class:`warehouse.load.Loaded`.
    """

    template_fields: Sequence[str] = (
        *StockS3ToRedshiftOperator.template_fields,
        "upsert_keys",
        "manifest",
        "primary_key",
        "order_key",
    )

    def __init__(
        self,
        *,
        table: str | None = None,
        s3_bucket: str | None = None,
        s3_key: str | None = None,
        method: str | None = None,
        manifest: str | Sequence[str] | None = None,
        primary_key: Sequence[str] | None = None,
        order_key: str | None = None,
        deleted_flag: str | None = None,
        distkey: str | None = None,
        sortkey: Sequence[str] = (),
        grants: Sequence[str] = (),
        audit_table: str = "audit.loads",
        **kwargs: Any,
    ) -> None:
        default = "UPSERT" if manifest is not None or primary_key else "APPEND"
        # With a manifest, the provider's operator does not get what it takes for granted.
        where: dict[str, Any] = {"table": table, "s3_bucket": s3_bucket, "s3_key": s3_key}
        super().__init__(**where, method=method or default, **kwargs)
        self.manifest = manifest
        self.primary_key = primary_key
        self.order_key = order_key
        self.deleted_flag = deleted_flag
        self.distkey = distkey
        self.sortkey = sortkey
        self.grants = grants
        self.audit_table = audit_table
        self._connector: Connector | None = None
        self._check_arguments()

    def _check_arguments(self) -> None:
        """Refuse what cannot work, as early as a DAG is parsed."""
        if self.manifest is None and not (self.table and self.s3_bucket and self.s3_key):
            raise ValueError(
                f"{self.task_id}: give either `manifest`, or `table`, `s3_bucket` and `s3_key`; found table="
                f"{self.table!r}, s3_bucket={self.s3_bucket!r}, s3_key={self.s3_key!r}"
            )
        if self.grants and (self.manifest is None or self.column_list):
            raise ValueError(
                f"{self.task_id}: grants needs a manifest, which says which columns are personal, and all of its "
                "columns; leave out grants, or column_list"
            )
        if not self.redshift_data_api_kwargs:
            return
        for name in ("manifest", "primary_key", "order_key", "deleted_flag"):
            if getattr(self, name):
                raise ValueError(
                    f"{self.task_id}: redshift_data_api_kwargs goes with the methods APPEND, REPLACE and UPSERT by "
                    f"upsert_keys only, and {name} needs one session with a lock and temporary tables; leave "
                    "redshift_data_api_kwargs out (then redshift_conn_id is a SQL connection), or leave out " + name
                )

    def execute(self, context: Context) -> Any:
        """Load; what a retry cannot cure fails the task at once."""
        if self.redshift_data_api_kwargs:
            return super().execute(context)
        from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from warehouse.errors import WarehouseError
        from warehouse.load import load
        from warehouse.redshift import may_pass
        from warehouse.redshift_access import Connector, authorize_copy
        from warehouse.target import Layout

        named = self.aws_conn_id if is_arg_set(self.aws_conn_id) else None
        redshift = RedshiftSQLHook(redshift_conn_id=self.redshift_conn_id)
        s3 = S3Hook(aws_conn_id=self.aws_conn_id if is_arg_set(self.aws_conn_id) else "aws_default", verify=self.verify)
        self._connector = Connector(redshift)
        try:
            loaded = load(
                self._connector.connect,
                self._planner(context, s3),
                authorize_copy(redshift, s3, aws_conn_id=named),
                layout=Layout(self.distkey, tuple(self.sortkey)),
                loaded_by=_run_of(context),
                name=self.redshift_conn_id,
            )
        except (WarehouseError, ValueError) as error:
            if may_pass(error):
                raise
            raise AirflowFailException(str(error)) from error
        self.log.info("loaded %s", loaded)
        return loaded.to_dict()

    def on_kill(self) -> None:
        """End the session in Redshift, which also ends :meth:`execute`; the transaction is given up."""
        if self._connector:
            self._connector.kill()

    def _planner(self, context: Context, s3: S3Hook) -> Callable[[Session], LoadPlan]:
        from warehouse.load_plan import Method, Relation, unquote

        if self.method not in set(Method):
            raise ValueError(f"method {self.method!r} is not known; there are {', '.join(Method)}")
        method, audit = Method(self.method), Relation.parse(self.audit_table)
        target = Relation(unquote(self.schema) if self.schema else None, unquote(self.table)) if self.table else None
        if self.manifest is not None:
            plan = self._plan_manifests(s3, method, target, audit)
            return lambda _: plan
        assert target is not None
        return partial(self._plan_files, _run_of(context), s3, method, target, audit)

    def _plan_manifests(self, s3: S3Hook, method: Method, target: Relation | None, audit: Relation) -> LoadPlan:
        from warehouse.plan_manifests import plan_manifests
        from warehouse.redshift_access import read_manifest

        urls = [self.manifest] if isinstance(self.manifest, str) else list(self.manifest or ())
        plan = plan_manifests(
            {url: read_manifest(s3, url) for url in urls},
            target=target,
            audit=audit,
            method=method,
            column_list=self.column_list,
            copy_options=self.copy_options,
            grants=self.grants,
        )
        for name, said, known in (
            ("primary_key", tuple(self.primary_key or self.upsert_keys or ()), plan.key),
            ("order_key", self.order_key, plan.order_key),
            ("deleted_flag", self.deleted_flag, plan.deleted_flag),
        ):
            if said and said != known:
                raise ValueError(f"{name} is {said!r} here and {known!r} in {urls[0]}; leave it out, or correct one")
        return plan

    def _plan_files(  # noqa: PLR0917
        self, run: str, s3: S3Hook, method: Method, target: Relation, audit: Relation, session: Session
    ) -> LoadPlan:
        from warehouse.load_plan import Method
        from warehouse.plan_files import Keys, declared_key, list_files, plan_files

        key: tuple[str, ...] = ()
        if method is Method.UPSERT:
            key = tuple(self.primary_key or self.upsert_keys or declared_key(session, target))
        return plan_files(
            session,
            list_files(s3.get_conn(), str(self.s3_bucket), str(self.s3_key), self.copy_options, run),
            target=target,
            audit=audit,
            method=method,
            column_list=self.column_list,
            keys=Keys(key, self.order_key, self.deleted_flag),
        )


def _run_of(context: Context) -> str:
    """Names a task of a run, whatever its try; outside of a run, nothing is a retry of anything."""
    ti = context.get("ti")
    return f"{ti.dag_id} {ti.run_id} {ti.task_id} {ti.map_index}" if ti else f"no run {uuid.uuid4()}"
