"""API keys, tokens and private key files by the forms that their makers gave them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.data.privacy.found import Found, Kind
from engine.data.privacy.reading import Reading


class KeyForm(NamedTuple):
    """`mark` is a plain text that every key of this form holds: looked for before the pattern is tried."""

    name: str
    mark: str
    pattern: re.Pattern[str]
    kind: Kind = "api_key"


def _form(name: str, mark: str, pattern: str, kind: Kind = "api_key") -> KeyForm:
    return KeyForm(name, mark, re.compile(pattern), kind)


_END = r"(?![0-9A-Za-z])"
FORMS: tuple[KeyForm, ...] = (
    _form("private key file", "PRIVATE KEY", r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
          r"(?:[\s\S]*?-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|[\s\S]{0,4096})", "private_key"),
    _form("age", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "private_key"),
    *(_form("AWS", mark, mark + r"[0-9A-Z]{16}" + _END) for mark in ("AKIA", "ASIA")),
    _form("GitHub", "gh", r"gh[pousr]_[0-9A-Za-z]{36,255}"),
    _form("GitHub", "github_pat_", r"github_pat_[0-9A-Za-z_]{22,255}"),
    _form("GitLab", "gl", r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[0-9A-Za-z_\-]{20,64}"),
    _form("Slack", "xox", r"xox[abeoprs](?:\.xox[bp])?-[0-9A-Za-z\-]{10,250}"),
    _form("Slack", "xapp-", r"xapp-\d-[0-9A-Za-z\-]{10,250}"),
    _form("Slack webhook", "hooks.slack.com/",
          r"hooks\.slack\.com/(?:services|workflows|triggers)/[0-9A-Za-z/]{20,120}"),
    _form("Discord webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d{10,25}/[\w\-]{30,120}"),
    _form("Discord", ".",
          r"\b[MNO][0-9A-Za-z_\-]{23,27}\.[0-9A-Za-z_\-]{6}\.[0-9A-Za-z_\-]{27,40}(?![\w\-])"),
    _form("Stripe", "_live_", r"(?:sk|rk|pk)_live_[0-9A-Za-z]{10,247}"),
    _form("Stripe", "_test_", r"(?:sk|rk|pk)_test_[0-9A-Za-z]{10,247}"),
    _form("Stripe webhook", "whsec_", r"whsec_[0-9A-Za-z+/=]{24,100}"),
    _form("Anthropic", "sk-ant-", r"sk-ant-[0-9A-Za-z_\-]{20,200}"),
    _form("OpenRouter", "sk-or-", r"sk-or-[0-9A-Za-z_\-]{20,200}"),
    _form("OpenAI", "sk-", r"\bsk-(?:proj-|svcacct-|admin-|None-)?(?=[A-Za-z_\-]*\d)[0-9A-Za-z_\-]{20,200}"),
    _form("Google", "AIza", r"AIza[0-9A-Za-z_\-]{35}"),
    _form("Google OAuth", "GOCSPX-", r"GOCSPX-[0-9A-Za-z_\-]{20,40}"),
    _form("Google OAuth", "ya29.", r"ya29\.[0-9A-Za-z_\-]{20,400}"),
    _form("Hugging Face", "hf_", r"\bhf_[0-9A-Za-z]{30,40}" + _END),
    _form("Replicate", "r8_", r"\br8_[0-9A-Za-z]{36,40}" + _END),
    _form("Groq", "gsk_", r"\bgsk_[0-9A-Za-z]{40,60}" + _END),
    _form("xAI", "xai-", r"\bxai-[0-9A-Za-z]{60,100}" + _END),
    _form("Perplexity", "pplx-", r"\bpplx-[0-9A-Za-z]{40,60}" + _END),
    _form("npm", "npm_", r"\bnpm_[0-9A-Za-z]{36}" + _END),
    _form("PyPI", "pypi-", r"\bpypi-[0-9A-Za-z_\-]{50,300}"),
    _form("Docker Hub", "dckr_", r"\bdckr_(?:pat|oat)_[0-9A-Za-z_\-]{20,60}"),
    _form("DigitalOcean", "_v1_", r"\bdo[opr]_v1_[0-9a-f]{64}"),
    _form("SendGrid", "SG.", r"\bSG\.[0-9A-Za-z_\-]{16,32}\.[0-9A-Za-z_\-]{16,64}"),
    _form("Mailgun", "key-", r"\bkey-[0-9a-f]{32}" + _END),
    _form("Mailchimp", "-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    *(_form("Twilio", mark, rf"\b{mark}[0-9a-f]{{32}}" + _END) for mark in ("SK", "AC")),
    _form("Shopify", "shp", r"\bshp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}" + _END),
    _form("Square", "sq0", r"\bsq0[a-z]{3}-[0-9A-Za-z_\-]{22,43}"),
    _form("Telegram bot", ":AA", r"\b\d{8,10}:AA[0-9A-Za-z_\-]{32,34}(?![\w\-])"),
    _form("Databricks", "dapi", r"\bdapi[0-9a-f]{32}(?:-\d)?" + _END),
    _form("Linear", "lin_api_", r"\blin_api_[0-9A-Za-z]{40}"),
    _form("Notion", "secret_", r"\bsecret_[0-9A-Za-z]{43}" + _END),
    _form("Notion", "ntn_", r"\bntn_[0-9A-Za-z]{40,60}" + _END),
    _form("New Relic", "NRAK-", r"\bNRAK-[0-9A-Z]{27}" + _END),
    _form("Grafana", "gl", r"\bgl(?:c|sa)_[0-9A-Za-z+/=_]{32,200}"),
    _form("HashiCorp Vault", "hv", r"\bhv[bsr]\.[0-9A-Za-z_\-]{24,300}"),
    _form("Terraform", ".atlasv1.", r"\b[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_\-=]{60,70}"),
    _form("Supabase", "sbp_", r"\bsbp_[0-9a-f]{40}" + _END),
    _form("Azure storage", "AccountKey=", r"(?<=AccountKey=)[0-9A-Za-z+/]{86}=="),
    _form("Facebook", "EAA", r"\bEAA[0-9A-Za-z]{60,300}" + _END),
    _form("JWT", "eyJ", r"\beyJ[0-9A-Za-z_\-]{8,}\.eyJ[0-9A-Za-z_\-]{8,}\.[0-9A-Za-z_\-]{6,}"),
    _form("JWT", "eyJ",
          r"\beyJ[0-9A-Za-z_\-]{16,}\.[0-9A-Za-z_\-]*\.[0-9A-Za-z_\-]{16,}(?:\.[0-9A-Za-z_\-]+){0,2}"),
)  # fmt: skip


def api_keys(reading: Reading) -> Iterator[Found]:
    """Keys whose form says whose they are, and private keys in PEM and PGP armour."""
    text = reading.text
    if not reading.mixed and "PRIVATE KEY" not in text:  # every key has nine letters and digits in a row
        return
    for form in FORMS:
        if form.mark in text:
            for match in form.pattern.finditer(text):
                yield reading.found(form.kind, *match.span(), 1.0, form.name)
