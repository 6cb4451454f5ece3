"""What the figures mean, in plain words."""

from typing import Any

Measures = dict[str, dict[str, Any]]


def headline(evidence: dict[str, Any]) -> tuple[str, str]:
    """Say the outcome in one line, and on what it rests in another."""
    checks = evidence["checks"]
    failed = [check for check in checks if not check["passed"]]
    if not failed:
        return "Nothing measured speaks against a release", f"All {len(checks)} default checks passed."
    unknown = [check for check in failed if check["found"] is None]
    count = f"{len(failed)} of {len(checks)} default checks failed"
    if unknown:
        count += f", {len(unknown)} of them because they could not be measured"
    return "Not fit for release as it is", f"{count}."


def usefulness(report: dict[str, Any]) -> str:
    """Describe how like the real data the synthetic data is."""
    measures: Measures = report["evidence"]["measures"]
    quality = report["synthetic_data_quality_score"]
    sentences = ["The quality score could not be measured."]
    if quality["score"] is not None:
        grade = quality["grade"].lower()
        sentences = [f"Columns, correlations and deep structure together score {quality['score']:g} of 10 ({grade})."]
    discriminator = measures["discriminator_auc"]["value"]
    if discriminator is not None:
        sentences.append(
            "Shown one real and one synthetic row, a classifier picks the synthetic one "
            f"{discriminator * 100:.0f} times in 100; guessing gives 50."
        )
    losses = [
        f"{max(0.0, measures[name]['value']):.2f} {unit}"
        for name, unit in (("utility_auc_gap", "AUC"), ("utility_r2_gap", "R²"))
        if measures[name]["value"] is not None
    ]
    if losses:
        sentences.append(
            f"Models trained on it instead of real rows lose at most {' and '.join(losses)} on real test rows."
        )
    return " ".join(sentences)


def privacy(report: dict[str, Any]) -> str:
    """Describe what an attacker can learn."""
    measures: Measures = report["evidence"]["measures"]
    sentences = []
    membership = measures["membership_inference_auc"]
    if membership["value"] is None:
        sentences.append("Whether an attacker can tell who was in the training data could not be measured.")
    else:
        sentences.append(
            "The strongest of the membership attacks ranks a person of the training data above another person "
            f"{membership['value'] * 100:.0f} times in 100, at most {membership['interval'][1] * 100:.0f} with 95% "
            "confidence; guessing gives 50."
        )
    copies = measures["exact_copies"]
    count = copies["detail"].get("synthetic_rows_copied")
    if count is not None:
        copied = "No row equals a training row." if not count else f"{count:,} rows equal a training row"
        if count and copies["reference"] is not None:
            copied += f" ({copies['value']:.1%}; of people never seen, {copies['reference']:.1%} do)."
        sentences.append(copied if copied.endswith(".") else copied + ".")
    attribute = measures["attribute_inference"]
    if attribute["value"] is not None:
        known = ", ".join(attribute["detail"]["known"])
        sentences.append(
            f"Knowing a person's {known} lets an attacker guess {attribute['value']:.1%} of the rest that the same "
            "attack could not guess about people outside the data."
        )
    return " ".join(sentences)


def figure(value: float | None) -> str:
    """Write a figure with as many digits as it deserves."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3f}"


def decisive(check: dict[str, Any]) -> str:
    """Write the figure that decides a check, in its unit."""
    found = check["found"]
    if found is None:
        return "-"
    return format(found, {"share": ".1%", "count": ",.0f", "auc": ".3f", "score": ".1f"}[check["unit"]])


def missing(train: dict[str, Any], synthetic: dict[str, Any]) -> str:
    """Say how many of a column's values are null in either table."""
    if train["missing"] == 0 and synthetic["missing"] == 0:
        return "no nulls"
    left, right = (
        "under 10" if part["missing"] is None else f"{part['missing'] / max(1, part['count']):.1%}"
        for part in (train, synthetic)
    )
    return f"null: {left}, synthetic {right}"
