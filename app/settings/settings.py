"""All settings of the gateway: their names, their defaults, and what each may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.ports import InputSize
from app.settings import quantities, sources
from app.settings.api_keys import KeySetting, keys
from app.settings.choices import (
    FailurePolicy,
    Layout,
    LogFormat,
    LogLevel,
    Mode,
    Protocol,
    Resize,
    SearchMode,
    SecondOpinion,
    Strategy,
    WebhookFormat,
)
from app.settings.env_files import bare


def _fits_channels(values: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
    size: InputSize | None = info.data.get("input_size")
    if size and len(values) not in {1, size.channels}:
        message = f"{len(values)} numbers for {size.channels} channels"
        raise ValueError(message)
    return values


def _divides(values: tuple[float, ...]) -> tuple[float, ...]:
    if 0 in values:
        message = "nothing can be divided by 0"
        raise ValueError(message)
    return values


ChannelValues = Annotated[
    tuple[float, ...],
    NoDecode,
    BeforeValidator(quantities.channel_values),
    AfterValidator(_fits_channels),
]
Size = Annotated[InputSize | None, NoDecode, BeforeValidator(quantities.input_size)]
Keys = Annotated[KeySetting, NoDecode, BeforeValidator(keys)]


class Settings(BaseSettings):
    """What the owner has set, from the environment (prefix NEO_) and a .env file; never changed.

    `read_settings` makes it from the environment, with an error for people.
    """

    model_config = SettingsConfigDict(
        env_prefix="NEO_",
        env_file=".env",
        env_ignore_empty=True,  # compose files pass what isn't set as an empty string
        extra="ignore",  # a .env file serves other programs too; see reading.py for unknown NEO_
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        allow_inf_nan=False,
        validate_default=False,
    )

    upstream_url: Annotated[str, AfterValidator(sources.base_url)] = Field(
        repr=False,  # it may hold a password
        description="the base URL of the model server",
        examples=["http://127.0.0.1:8081"],
    )
    upstream_protocol: Protocol = Field(
        Protocol.OIP,
        description="how the model server is spoken to: `oip`, `instances` or `image`",
        examples=["oip"],
    )
    upstream_token: Annotated[SecretStr, AfterValidator(sources.token)] | None = Field(
        None,
        description="is sent to the model server as a bearer token; `@file` reads it from a file",
        examples=["secret", "@token.txt"],
    )
    upstream_headers: Annotated[
        Mapping[str, SecretStr], NoDecode, BeforeValidator(sources.headers)
    ] = Field(
        {},
        description=(
            "more headers for the model server, with | or line breaks between them; `@file` reads"
            " them from a file"
        ),
        examples=["X-Api-Key: secret", "@headers.txt"],
    )
    upstream_ca: Annotated[Path, AfterValidator(sources.certificates)] | None = Field(
        None,
        description=(
            "a PEM file with the authorities that may sign the model server's certificate, instead"
            " of the system's"
        ),
        examples=["ca.pem"],
    )
    upstream_max_batch: int | None = Field(
        None,
        ge=1,
        description=(
            "images that the model server takes in one request; else it says so, or it is learnt"
            " from what it refuses"
        ),
        examples=["8"],
    )
    upstream_max_body: Annotated[int, BeforeValidator(quantities.byte_count)] | None = Field(
        None,
        gt=0,
        description=(
            "bytes that the model server takes in one request; else learnt from what it refuses"
        ),
        examples=["1MiB"],
    )
    model: str = Field(
        description="the model's name at the model server; for `image` its address, if not set",
        examples=["signs"],
    )
    outputs: Annotated[tuple[str, ...], NoDecode, BeforeValidator(sources.names)] = Field(
        (),
        description=(
            "the outputs to ask for, comma-separated; the first has the scores or labels; without"
            " it those that the server names"
        ),
        examples=["probabilities", "predict_proba,predict"],
    )
    answer: Annotated[str, AfterValidator(sources.expression)] | None = Field(
        None,
        description=(
            "a JMESPath expression that finds the answer of an `image` server; else it is guessed"
        ),
        examples=["result.classes[*].{label: name, score: p}"],
    )
    labels: Annotated[tuple[str, ...], NoDecode, BeforeValidator(sources.class_names)] = Field(
        (),
        description="a file with one class name a line, in index order",
        examples=["labels.txt"],
    )
    reference: Annotated[Path, AfterValidator(sources.reference_path)] = Field(
        description=(
            "clean images, 200 or more: a folder of image files, a .zip of one, or a .npz with `x`"
            " (n, height, width, channels) uint8"
        ),
        examples=["./references"],
    )
    input_size: Size = Field(
        None,
        description=(
            "height x width x channels of the model's input; needed where the server doesn't say it"
        ),
        examples=["48", "48x48", "48x48x3"],
    )
    input_layout: Layout | None = Field(
        None,
        description=(
            "the order of the axes of the model's input: `NHWC`, `NCHW`, `NHW` (grey) or `FLAT`"
            " (one row); else told from its shape"
        ),
        examples=["NHWC"],
    )
    input_datatype: Annotated[str, AfterValidator(sources.datatype)] | None = Field(
        None,
        description=(
            "the datatype of the model's input where the server doesn't say it, else `FP32`;"
            " `BYTES` sends picture files"
        ),
        examples=["FP32", "UINT8", "BYTES"],
    )
    input_resize: Resize = Field(
        Resize.STRETCH,
        description="how pictures of another size are made to fit: `stretch`, `crop` or `pad`",
        examples=["stretch"],
    )
    input_mean: ChannelValues = Field(
        (0.0,),
        description="is subtracted after scaling; one number, or one a channel",
        examples=["0.5", "0.485,0.456,0.406"],
    )
    input_std: Annotated[ChannelValues, AfterValidator(_divides)] = Field(
        (1.0,),
        description="divides what is left then; one number, or one a channel",
        examples=["0.5", "0.229,0.224,0.225"],
    )
    input_scale: Annotated[float, BeforeValidator(quantities.ratio)] = Field(
        1.0, gt=0, description="multiplies the pixels 0..255", examples=["1/255"]
    )
    redis_url: Annotated[SecretStr, AfterValidator(sources.store_url)] | None = Field(
        None,
        description=(
            "the Redis or Valkey that all workers share; without it the gateway starts one for this"
            " machine"
        ),
        examples=["redis://127.0.0.1:6379/0"],
    )
    mode: Mode = Field(
        Mode.ENFORCE,
        description=(
            "`enforce`, or `monitor`: everything is screened, counted and listed, and every answer"
            " is the model server's own"
        ),
        examples=["enforce"],
    )
    strategy: Strategy = Field(
        Strategy.FULL,
        description="how images are screened: `full`, `fast`, `paper` or `off`",
        examples=["full"],
    )
    trigger_max: Annotated[float, BeforeValidator(quantities.ratio)] = Field(
        0.316,
        gt=0,
        le=1,
        description="the side of the largest trigger to look for, as a share of the image's side",
        examples=["0.316"],
    )
    lambda_t: float = Field(
        0.75,
        validation_alias="NEO_LAMBDA",
        gt=0,
        le=1,
        description="Λ_T of `paper`: the share of the check set that must follow a trigger",
        examples=["0.75"],
    )
    delta_t: float = Field(
        1.0,
        validation_alias="NEO_DELTA",
        ge=0,
        lt=2,  # two answers are never further apart than 2
        description="Δ_T of `paper`: how far apart two answers must be to count as a transition",
        examples=["1.0"],
    )
    check_size: int = Field(
        24, ge=1, description="k of `paper`: the size of the check set", examples=["24"]
    )
    search: SearchMode = Field(
        SearchMode.CONTINUE,
        description="after the first trigger: `continue` to look for others, or `stop`",
        examples=["continue"],
    )
    second_opinion: SecondOpinion = Field(
        SecondOpinion.OFF,
        description=(
            "triggers without a place: `off`, or `flag`, which calls images suspicious and leaves"
            " their answers"
        ),
        examples=["off", "flag"],
    )
    second_opinion_fpr: Annotated[float, BeforeValidator(quantities.ratio)] = Field(
        0.01,
        gt=0,
        le=0.1,
        description="the share of clean images that may be called suspicious",
        examples=["0.01", "1/200"],
    )
    probe_budget: float | None = Field(
        None,
        ge=0,
        description=(
            "mean probes an image that looking for new triggers may cost; above it images are drawn"
            " at random for it"
        ),
        examples=["40"],
    )
    probe_rate: float | None = Field(
        None,
        gt=0,
        description="images a second that may be asked of the model for all callers together",
        examples=["2000"],
    )
    key_probe_rate: float | None = Field(
        None,
        gt=0,
        description="images a second that may be asked of the model for one key",
        examples=["500"],
    )
    patience: Annotated[float, BeforeValidator(quantities.seconds)] = Field(
        10.0,
        gt=0,
        description="the time after which the failure policy answers; seconds, if it has no unit",
        examples=["10s", "500ms"],
    )
    on_failure: FailurePolicy = Field(
        FailurePolicy.CLOSED,
        description=(
            "an image that couldn't be screened: `closed` answers 503, `open` the model's"
            " prediction"
        ),
        examples=["closed"],
    )
    lockout_after: int = Field(
        0,
        ge=0,
        description=(
            "flagged pictures of one caller, after which he is refused the attacker's class for"
            " others like them, for a quarter of an hour; 0 never refuses it. Give keys before"
        ),
        examples=["3"],
    )
    api_keys: Keys = Field(
        KeySetting(),
        description=(
            "keys for callers, comma-separated, each after a name and a blank or alone; `@file`"
            " reads them from a file"
        ),
        examples=["shop secret-1,secret-2", "@keys.txt"],
    )
    admin_keys: Keys = Field(
        KeySetting(),
        description=(
            "keys for reading and changing triggers, comma-separated, each after a name and a blank"
            " or alone; `@file` reads them from a file"
        ),
        examples=["ops secret-1,secret-2", "@keys.txt"],
    )
    max_body: Annotated[int, BeforeValidator(quantities.byte_count)] = Field(
        10 * 2**20, gt=0, description="the largest request", examples=["10MiB"]
    )
    max_pixels: Annotated[int, BeforeValidator(quantities.pixel_count)] = Field(
        16_000_000, gt=0, description="the largest picture, in pixels", examples=["16Mpx"]
    )
    log_level: LogLevel = Field(
        LogLevel.INFO,
        description="how grave a line of the log is at least: `debug`, `info`, `warning`, `error`",
        examples=["info"],
    )
    log_format: LogFormat = Field(
        LogFormat.TEXT,
        description="how the log is written: `text`, or `json` with one object a line",
        examples=["text"],
    )
    webhook_url: Annotated[SecretStr, AfterValidator(sources.webhook_url)] | None = Field(
        None,
        description="the address that events are posted to; `@file` reads it from a file",
        examples=["https://siem.example/neo", "@webhook.txt"],
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(sources.webhook_secret)] | None = Field(
        None,
        description=(
            "signs what is posted, as Standard Webhooks has it: `whsec_` and 24 to 64 bytes in"
            " base64; `@file` reads it from a file"
        ),
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "@secret.txt"],
    )
    webhook_format: WebhookFormat = Field(
        WebhookFormat.CLOUDEVENTS,
        description="what is posted: `cloudevents`, or `slack` for its incoming webhooks",
        examples=["cloudevents"],
    )
    quarantine: Annotated[str, AfterValidator(sources.quarantine)] | None = Field(
        None,
        description=(
            "a folder, or an fsspec address, in which flagged images are kept with their evidence"
        ),
        examples=["/var/lib/neo/quarantine", "s3://bucket/quarantine"],
    )
    quarantine_max: Annotated[int, BeforeValidator(quantities.byte_count)] = Field(
        2**30,
        gt=0,
        description="the most that is kept there; then the oldest go",
        examples=["1GiB"],
    )
    quarantine_ttl: Annotated[timedelta, BeforeValidator(quantities.lifetime)] = Field(
        timedelta(days=30),
        gt=timedelta(0),
        description="how long images are kept there, and incidents are listed",
        examples=["30d", "12h"],
    )

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_place(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Name a model after its address where it has nothing else: behind an `image` server."""
        given = bare(given)
        spoken = str(given.get("upstream_protocol", "")).lower()
        unnamed = spoken == Protocol.IMAGE and not given.get("model")
        if unnamed and given.get("upstream_url"):
            return given | {"model": sources.place(given["upstream_url"])}
        return given
