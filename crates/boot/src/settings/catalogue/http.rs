//! What browsers are told, and who is believed.

use super::settings;
use crate::settings::kind::Kind::{
    Boolean, Choice, List, Networks, Origins, Percentage, Sources, Text,
};
use crate::settings::kind::seconds;

/// When a browser sends a cookie along from another site.
const SAME_SITE: &[&str] = &["Lax", "Strict", "None"];

settings! {
    Http, HTTP_SETTINGS;
    read {
        ALLOWED_HOSTS = ["ALLOWED_HOSTS"], List, "*",
            "Hosts that requests may be for; `*` for any, `.example.com` for a domain and what is below it.";
        POD_IP = ["POD_IP"], Text, "",
            "One more of them.";
        TRUSTED_PROXIES = ["TRUSTED_PROXIES"], Networks, "",
            "Networks whose X-Forwarded-For and X-Forwarded-Proto headers are believed. GlitchTip believes all, `*`.";
        CSRF_TRUSTED_ORIGINS = ["CSRF_TRUSTED_ORIGINS"], Origins, "",
            "Further origins whose pages may change something with a person's session.";
        CORS_ALLOW_ALL = ["CORS_ORIGIN_ALLOW_ALL"], Boolean, "True",
            "Pages of any origin may read answers, though not with a person's session.";
        CORS_WHITELIST = ["CORS_ORIGIN_WHITELIST"], Origins, "",
            "Origins whose pages may read answers, if not all may.";

        CSP_DEFAULT_SRC = ["CSP_DEFAULT_SRC"], Sources, "'self'",
            "The directive default-src of the content security policy.";
        CSP_STYLE_SRC = ["CSP_STYLE_SRC"], Sources, "'self'",
            "Its directive style-src.";
        CSP_STYLE_SRC_ELEM = ["CSP_STYLE_SRC_ELEM"], Sources, "",
            "Its directive style-src-elem.";
        CSP_FONT_SRC = ["CSP_FONT_SRC"], Sources, "'self',data:",
            "Its directive font-src.";
        CSP_CONNECT_SRC = ["CSP_CONNECT_SRC"], Sources, "'self'",
            "Its directive connect-src.";
        CSP_SCRIPT_SRC = ["CSP_SCRIPT_SRC"], Sources, "'self'",
            "Its directive script-src.";
        CSP_IMG_SRC = ["CSP_IMG_SRC"], Sources, "'self'",
            "Its directive img-src.";
        CSP_FRAME_SRC = ["CSP_FRAME_SRC"], Sources, "'self'",
            "Its directive frame-src.";
        CSP_WORKER_SRC = ["CSP_WORKER_SRC"], Sources, "",
            "Its directive worker-src.";
        CSP_REPORT_URI = ["CSP_REPORT_URI"], Sources, "",
            "Where browsers report what the policy refused.";
        CSP_REPORT_PERCENTAGE = ["CSP_REPORT_PERCENTAGE"], Percentage, "10.0",
            "How many of a hundred answers ask for such reports.";
        CSP_REPORT_ONLY = ["CSP_REPORT_ONLY"], Boolean, "False",
            "Let browsers report only, and refuse nothing.";

        HSTS_SECONDS = ["SECURE_HSTS_SECONDS"], seconds(0), "0",
            "How long browsers insist on https; 0 for not at all.";
        HSTS_PRELOAD = ["SECURE_HSTS_PRELOAD"], Boolean, "False",
            "Browsers' makers may put the host on their lists.";
        HSTS_INCLUDE_SUBDOMAINS = ["SECURE_HSTS_INCLUDE_SUBDOMAINS"], Boolean, "False",
            "Browsers insist on https for the hosts below, too.";

        SESSION_COOKIE_AGE = ["SESSION_COOKIE_AGE"], seconds(1), "1209600",
            "How long a session lasts.";
        SESSION_COOKIE_SECURE = ["SESSION_COOKIE_SECURE"], Boolean, "",
            "Browsers send the session's cookie by https only; unset, if GLITCHTIP_URL is https.";
        SESSION_COOKIE_SAMESITE = ["SESSION_COOKIE_SAMESITE"], Choice(SAME_SITE), "Lax",
            "When browsers send the session's cookie along from another site.";
    }
    later {}
    ignored {}
}
