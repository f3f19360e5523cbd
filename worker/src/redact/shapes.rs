//! Shapes that are secrets wherever they are seen, as the issuers document them.

/// A line of a PEM file is at most this long (RFC 7468 says 64; some tools write more).
pub(super) const KEY_LINE: usize = 1024;

const SHAPES: &[&str] = &[
    // GitHub: classic, OAuth, user-to-server, server-to-server, refresh; fine-grained.
    r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    r"\bgithub_pat_[A-Za-z0-9_]{22,}",
    // GitLab: personal, deploy, runner, job, trigger, feed, OAuth, agent, incoming mail.
    r"\bgl(?:pat|dt|rt|cbt|ptt|ft|oas|agent|imt|soat|rtr)-[A-Za-z0-9_.=-]{20,}",
    // AWS access key ids.
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    // Model providers.
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"\bhf_[A-Za-z0-9]{30,}",
    r"\bAIza[0-9A-Za-z_-]{35}",
    // Slack, Atlassian, Sentry, npm, PyPI, Docker, Stripe, SendGrid.
    r"\bxox[a-z]-[A-Za-z0-9-]{10,}",
    r"\bxapp-[0-9]-[A-Za-z0-9-]{10,}",
    r"\bATATT3[A-Za-z0-9_=-]{40,}",
    r"\bsntry[su]_[A-Za-z0-9+/=_-]{30,}",
    r"\bnpm_[A-Za-z0-9]{36,}",
    r"\bpypi-[A-Za-z0-9_-]{50,}",
    r"\bdckr_pat_[A-Za-z0-9_-]{20,}",
    r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    // JSON Web Tokens.
    r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    // Credentials in headers and addresses.
    r"(?i:authorization: *(?:basic|bearer|token) +[A-Za-z0-9+/=._~-]{8,})",
    r"://[^/\s:@]*:[^/\s@]+@",
];

/// One expression for all of them.
pub(super) fn pattern() -> String {
    SHAPES.join("|")
}

/// Whether a PEM private key begins here.
pub(super) fn begins_private_key(line: &str) -> bool {
    line.split_once("-----BEGIN ").is_some_and(|(_, kind)| kind.contains("PRIVATE KEY"))
}
