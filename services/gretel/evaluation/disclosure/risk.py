"""Rates of success, their intervals, and the risk that an attack beats its control."""

import numpy as np
from scipy.stats import norm

from services.gretel.evaluation.measure import Measure, not_measurable

CONFIDENCE = 0.95
Z = float(norm.ppf(0.5 + CONFIDENCE / 2))
# What coincidence explains: holdout and release are both samples; at 95 % one honest release in ten would be refused.
Z_COINCIDENCE = float(norm.ppf(0.5 + 0.99999 / 2))


def wilson(successes: float, trials: float, z: float = Z) -> tuple[float, float]:
    """Wilson's interval of a rate, of 95 % unless told (E. B. Wilson, JASA 22, 1927)."""
    center, error = _wilson_center(successes, trials, z)
    # At both ends the formula gives exactly 0 and 1, its arithmetic not quite.
    return (center - error if successes > 0 else 0.0), (center + error if successes < trials else 1.0)


def residual_risk(attack: tuple[float, float], control: tuple[float, float], **detail: object) -> Measure:
    """How far an attack on training rows beats the same attack on rows the model never saw.

    risk = (attack - control) / (1 - control), its error propagated from both Wilson intervals: Giomi et al., "A Unified
    Framework for Quantifying Privacy Risk in Synthetic Data", PoPETs 2023 (arXiv 2211.10459). Below 0 is 0.

    :param attack: successes and trials against training rows.
    :param control: successes and trials against holdout rows.
    """
    attack_rate, attack_error = _wilson_center(*attack)
    control_rate, control_error = _wilson_center(*control)
    # The point estimates are the plain rates; Wilson's centres only carry the error, as they lean towards one half.
    attack_point, control_point = attack[0] / attack[1], control[0] / control[1]
    detail = {"attack_rate": attack_point, "control_rate": control_point, **detail}
    if control_point >= 1:
        return not_measurable(
            "the attack always succeeds against the control, so nothing can be gained on it", **detail
        )
    risk = (attack_point - control_point) / (1 - control_point)
    spread = float(
        np.hypot(attack_error / (1 - control_rate), control_error * (attack_rate - 1) / (1 - control_rate) ** 2)
    )
    return Measure(
        value=_unit(risk),
        low=_unit(risk - spread),
        high=_unit(risk + spread),
        reference=0.0,
        detail=detail,
    )


def riskiest(risks: list[Measure]) -> Measure:
    """Take the highest of several risks; one that is not measurable only if none is."""
    return max(risks, key=lambda risk: -1.0 if risk.value is None else risk.value)


def _wilson_center(successes: float, trials: float, z: float = Z) -> tuple[float, float]:
    denominator = trials + z**2
    center = (successes + z**2 / 2) / denominator
    error = z / denominator * np.sqrt(successes * (trials - successes) / trials + z**2 / 4)
    return center, float(error)


def _unit(value: float) -> float:
    return float(min(1.0, max(0.0, value)))
