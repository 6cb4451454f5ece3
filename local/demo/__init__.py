"""`make demo`: run both pipelines once through Airflow, show how they go, and prove what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.airflow_api import AirflowApi
from local.demo import synthetics, warehouse
from local.demo.follow import Say

if TYPE_CHECKING:
    from local.stack import Stack


def load_source_data(stack: Stack, say: Say) -> None:
    """Fill the source databases with generated data, unless they hold some already."""
    synthetics.load_source(stack, say)
    warehouse.load_source(stack, say)


def unpause(api: AirflowApi) -> None:
    """Let the demo's DAGs run: Airflow pauses new DAGs with a schedule, and runs of paused ones wait unseen."""
    for dag_id in (warehouse.DAG_ID, warehouse.SUMMARY_DAG_ID):
        api.wait_for_dag(dag_id)
        api.unpause(dag_id)


def run(stack: Stack, say: Say) -> int:
    """Run both pipelines.

    :return: 0; everything that is not as it should be is a StackError.
    """
    synthetics.load_source(stack, say)
    warehouse.reload_source(stack, say)
    api = AirflowApi(stack.airflow)
    unpause(api)
    summary = [*synthetics.run(stack, api, say), "", *warehouse.run(stack, api, say)]
    print("\n" + "\n".join(summary))
    return 0
