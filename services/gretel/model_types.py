"""The model types of Gretel's API and what this service makes of each.

The parameter names are those of gretel-client's own task definitions and of Gretel's public templates.
"""

from dataclasses import dataclass, field
from typing import Any

DEFAULT_ENGINE = "cart"

_GENERATE = frozenset({"num_records", "max_invalid"})
_GENERATE_FT = _GENERATE | {"temperature", "repetition_penalty", "top_p", "stop_params", "use_structured_generation"}
_EVALUATE = frozenset({"skip", "sqs_report_columns", "sqs_report_rows", "correlation_columns", "mandatory_columns"})
# Not Gretel's: what the evaluation needs to know of the data.
OWN_EVALUATE = frozenset({"quasi_identifiers", "sensitive", "targets", "holdout", "seed"})
_ACTGAN = frozenset({
    "epochs", "embedding_dim", "generator_dim", "discriminator_dim", "generator_lr", "generator_decay",
    "discriminator_lr", "discriminator_decay", "batch_size", "discriminator_steps", "binary_encoder_cutoff",
    "binary_encoder_nan_handler", "auto_transform_datetimes", "log_frequency", "cbn_sample_size", "pac",
    "data_upsample_limit", "conditional_vector_type", "conditional_select_column_prob",
    "conditional_select_mean_columns", "reconstruction_loss_coef", "force_conditioning", "verbose",
})  # fmt: skip
_TABULAR_FT = frozenset({
    "num_input_records_to_sample", "batch_size", "gradient_accumulation_steps", "weight_decay", "warmup_ratio",
    "lr_scheduler", "learning_rate", "lora_r", "lora_alpha_over_r", "lora_target_modules", "use_unsloth",
    "rope_scaling_factor", "validation_ratio", "validation_steps", "max_vram_fraction",
})  # fmt: skip
_PRIVACY = frozenset({"dp", "epsilon", "delta", "per_sample_max_grad_norm"})
_GROUPING = frozenset({"group_training_examples_by", "order_training_examples_by", "max_sequences_per_example"})
_COMMON = frozenset({"data_source", "ref_data"})


@dataclass(frozen=True, slots=True)
class ModelType:
    """A model type that is accepted.

    :param engine: name of the engine that runs it.
    :param sections: nested sections, each with the parameters it may hold; None = the engine checks them.
    :param settings: further keys, beside the sections.
    :param defaults: parameters that clients expect in the answer even if they were not given.
    """

    engine: str
    sections: dict[str, frozenset[str] | None]
    settings: frozenset[str] = _COMMON
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def own_parameters(self) -> bool:
        """Whether `params` are the engine's own."""
        return self.sections["params"] is None


_TABULAR_FT_TYPE = ModelType(
    engine=DEFAULT_ENGINE,
    sections={
        "params": _TABULAR_FT,
        "privacy_params": _PRIVACY,
        "generate": _GENERATE_FT,
        "evaluate": _EVALUATE | OWN_EVALUATE,
        "train": frozenset({"params", "privacy_params", "data_config"}) | _GROUPING,
    },
    settings=_COMMON | _GROUPING | {"data_config", "pretrained_model"},
)

MODEL_TYPES = {
    "actgan": ModelType(
        engine=DEFAULT_ENGINE,
        sections={
            "params": _ACTGAN,
            "generate": _GENERATE,
            "privacy_filters": frozenset({"outliers", "similarity", "max_iterations"}),
            "evaluate": _EVALUATE | OWN_EVALUATE,
        },
        defaults={"epochs": "auto"},
    ),
    "tabular_ft": _TABULAR_FT_TYPE,
    "navigator_ft": _TABULAR_FT_TYPE,  # its former name, the one that gretel-client's Gretel class knows
    "cart": ModelType(
        engine="cart",
        sections={"params": None, "generate": frozenset({"num_records"}), "evaluate": _EVALUATE | OWN_EVALUATE},
    ),
}

DISCONTINUED = {
    "synthetics": "actgan",
    "ctgan": "actgan",
    "gpt_x": "tabular_ft",
    "amplify": "actgan",
}

# Gretel's, and not offered here: what runs them would not be what the name promises.
NOT_OFFERED = {
    "tabular_dp": "no engine here gives a differential privacy guarantee",
    "timeseries_dgan": "no engine here models time series",
    "evaluate": "every model is evaluated when it is trained",
    "transform": "this service synthesizes only",
    "transforms": "this service synthesizes only",
    "transform_v2": "this service synthesizes only",
    "classify": "this service synthesizes only",
    "text_ft": "no engine here models free text",
}

RECORD_PARAMETERS = frozenset({"num_records", "seed"})
UNUSED_RECORD_PARAMETERS = _GENERATE_FT - RECORD_PARAMETERS
