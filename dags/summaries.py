"""### Summary tables in the warehouse.

One DAG per file of `sql/summaries`, named after it. It runs when the asset in the file's front matter is updated: input
check (the data tests of its input tables), build beside the old table, output check (rows, key, ranges, and the data
tests of the summary itself), publish in one transaction. Readers never see a half-built table.

One run at a time, however many loads announce an update: each builds from all that is there.

**When it fails:** the published table stays as it was. The failing task's log says which check failed and on how many
rows; correct the source or the query and clear it.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset, chain, dag, task

from warehouse.summary import Summary, read_summaries


def summary_dag(summary: Summary) -> DAG:
    """Build the DAG of one summary."""

    @dag(
        dag_id=summary.name,
        description=summary.description,
        doc_md=__doc__,
        schedule=[Asset(summary.asset)],
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(seconds=30)},
        tags=["warehouse", "summary"],
    )
    def pipeline() -> None:
        @task
        def run(step: str) -> None:
            """Run one step of warehouse.summary on this summary."""
            from warehouse.steps import summarize

            summarize(step, summary)

        published = Asset(f"summary/{summary.name}")
        chain(
            run.override(task_id="check_inputs")("check_inputs"),
            run.override(task_id="build")("build"),
            run.override(task_id="check_output")("check_output"),
            run.override(task_id="publish", outlets=[published])("publish"),
        )

    return pipeline()


for found in read_summaries():
    summary_dag(found)
