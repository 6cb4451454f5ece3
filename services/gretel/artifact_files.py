"""The files that jobs leave, by Gretel's artifact types. Clients save them under these names."""

MODEL_ARCHIVE = "model.tar.gz"
DATA_PREVIEW = "data_preview.gz"
REPORT = "report.html.gz"
REPORT_JSON = "report_json.json.gz"
RECORDS = "data.gz"
LOGS = "logs.json.gz"  # not a file: made of the job's log when asked for

MODEL_ARTIFACTS = {
    "model": MODEL_ARCHIVE,
    "report": REPORT,
    "report_json": REPORT_JSON,
    "data_preview": DATA_PREVIEW,
    "model_logs": LOGS,
    # Made by other model types only. Clients ask for a link to every type; these lead to a 404.
    "classification_report": "classification_report.html.gz",
    "classification_report_json": "classification_report_json.json.gz",
    "regression_report": "regression_report.html.gz",
    "regression_report_json": "regression_report_json.json.gz",
    "text_metrics_report": "text_metrics_report.html.gz",
    "text_metrics_report_json": "text_metrics_report_json.json.gz",
}
RECORD_ARTIFACTS = {
    "data": RECORDS,
    "run_logs": LOGS,
    "run_report_json": "run_report_json.json.gz",
    "output_files": "output_files.tar.gz",
}
