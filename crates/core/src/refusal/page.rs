//! The page that a person is shown: no script, nothing fetched, and nothing on it that is not for its reader.

use super::audience::Language;
use super::words::Words;
use crate::denial::Reason;

/// The page loads nothing and is framed by nobody; of styles it has the one below, by its hash (CSP
/// Level 3, section 2.3.1).
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    style-src 'sha256-QPBfemm1qV1BJ32yCILFmpJghsLzYkWb0tSuEYc/iAM='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sizes are in rem, so that they follow the reader's text size, and every colour is at least 4.5:1
/// on what is behind it (WCAG 2.2, 1.4.3), in light and dark.
pub(super) const STYLE: &str = "
:root{color-scheme:light dark;--back:#f4f2ee;--card:#fff;--ink:#211f1c;--soft:#5e5850;--line:#dfdad2;--seal:#a03020}
@media screen and (prefers-color-scheme:dark){
:root{--back:#171614;--card:#211f1d;--ink:#ece8e1;--soft:#b3aca1;--line:#3b3733;--seal:#f0907c}}
*{box-sizing:border-box}
body{margin:0;padding:min(8vw,6rem) min(1rem,4vw);background:var(--back);color:var(--ink);
font:1rem/1.75 system-ui,sans-serif;line-break:strict;word-break:auto-phrase;overflow-wrap:anywhere}
main{max-width:36rem;margin:auto;padding:min(2.5rem,6vw);background:var(--card);
border:1px solid var(--line);border-top:.25rem solid var(--seal);border-radius:.25rem}
h1{margin:0 0 1rem;font-size:1.375rem;line-height:1.4;text-wrap:balance}
p{margin:0 0 .75rem;text-wrap:pretty}
a{display:inline-block;margin:.5rem 0;padding:.5rem 1.25rem;border:1px solid;border-radius:.25rem;
color:var(--seal);font-weight:600;text-decoration:none}
a:hover{text-decoration:underline}
a:focus-visible{outline:.1875rem solid;outline-offset:.1875rem}
.help{margin-top:1.5rem;padding-top:1.25rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem}
dl,dd{margin:0}
dt{margin-top:.5rem}
code{color:var(--ink);font:.8125rem/1.6 ui-monospace,monospace;user-select:all}
@media (min-width:30em){h1{font-size:1.5rem}code{font-size:.9375rem}}
@media print{body{padding:0;background:none}main{border:0;padding:0}a{display:none}}
";

struct Labels {
    again: &'static str,
    help: &'static str,
    request_id: &'static str,
    code: &'static str,
}

const fn labels(language: Language) -> Labels {
    match language {
        Language::English => Labels {
            again: "Try again",
            help: "When you ask for help, please quote these two lines.",
            request_id: "Request ID",
            code: "Code",
        },
        Language::Japanese => Labels {
            again: "もう一度試す",
            help: "お問い合わせの際は、次の番号とコードをお伝えください。",
            request_id: "お問い合わせ番号",
            code: "コード",
        },
    }
}

/// The page. A link to try again stands on it where that may help and does no more than reload.
pub(super) fn page(
    reason: Reason,
    words: Words,
    language: Language,
    request_id: &str,
    reloadable: bool,
) -> String {
    let Words { title, happened, next } = words;
    let Labels { again, help, request_id: id_label, code: code_label } = labels(language);
    let (lang, status, code) = (language.tag(), reason.status(), reason.code());
    let id: String = request_id
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .collect();
    let again = if reloadable && matches!(status, 429 | 502..=504) {
        format!("<p><a href=\"\">{again}</a></p>\n")
    } else {
        String::new()
    };
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p>{happened}</p>\n<p>{next}</p>\n{again}\
         <div class=\"help\">\n<p>{help}</p>\n<dl>\n\
         <dt>{id_label}</dt>\n<dd><code lang=\"en\" translate=\"no\">{id}</code></dd>\n\
         <dt>{code_label}</dt>\n<dd><code lang=\"en\" translate=\"no\">{status} {code}</code></dd>\n\
         </dl>\n</div>\n</main>\n</body>\n</html>\n"
    )
}
