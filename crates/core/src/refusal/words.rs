//! What a refused person is told: what happened, and what to do next.
//!
//! A table of texts, and the row of each reason. They are read by people who use the service and by those who
//! administer it for them; the reason's code stands beside them for the rest.

use super::audience::Language;
use crate::denial::Reason;

/// A text in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// A few words, the page's heading.
    pub(super) title: &'static str,
    /// A sentence.
    pub(super) happened: &'static str,
    /// What the reader can do about it.
    pub(super) next: &'static str,
}

struct Row {
    en: Words,
    ja: Words,
}

/// The text for a reason.
pub(super) fn words(reason: Reason, language: Language) -> Words {
    let row = row(reason);
    match language {
        Language::English => row.en,
        Language::Japanese => row.ja,
    }
}

const fn row(reason: Reason) -> Row {
    match reason {
        Reason::HttpsRedirect | Reason::HttpsRequired => HTTPS_REQUIRED,
        Reason::ProxySecretInvalid => UNUSUAL_WAY,
        Reason::AuthorityMissing
        | Reason::AuthorityInvalid
        | Reason::AuthorityMismatch
        | Reason::TargetNotCanonical
        | Reason::HeaderInvalid
        | Reason::ClientAddressInvalid => NOT_UNDERSTOOD,
        Reason::HeadTooLarge => HEAD_TOO_LARGE,
        Reason::BodyTooLarge => BODY_TOO_LARGE,
        Reason::ClientGone => INCOMPLETE,
        Reason::TenantUnknown => NO_SERVICE,
        Reason::RouteNotFound => NOT_FOUND,
        Reason::MethodUnknown | Reason::MethodNotAllowed | Reason::UpgradeNotSupported => {
            NOT_POSSIBLE
        }
        Reason::NetworkNotAllowed => NETWORK_NOT_ALLOWED,
        Reason::NetworkUndefined => NETWORK_UNDEFINED,
        Reason::TokenMissing => NOT_SIGNED_IN,
        Reason::TokenExpired
        | Reason::TokenTooOld
        | Reason::SessionRevoked
        | Reason::SessionEnded
        | Reason::SessionExpired => SIGN_IN_ENDED,
        Reason::TokenAmbiguous
        | Reason::TokenTooLarge
        | Reason::TokenMalformed
        | Reason::TokenHeaderForbidden
        | Reason::TokenTypeNotAllowed
        | Reason::TokenIssuerUnknown
        | Reason::TokenAlgorithmNotAllowed
        | Reason::TokenKeyUnknown
        | Reason::TokenSignatureInvalid
        | Reason::TokenClaimsInvalid
        | Reason::TokenAudienceMismatch
        | Reason::TokenNotYetValid => SIGN_IN_UNVERIFIED,
        Reason::TokenTenantMismatch => ANOTHER_ORGANISATION,
        Reason::CrossSiteRequest | Reason::PreflightRefused => ANOTHER_SITE,
        Reason::UserUnknown | Reason::UserLeft => NO_ACCOUNT,
        Reason::UserSuspended => ACCOUNT_SUSPENDED,
        Reason::RoleMissing => NO_RIGHT,
        Reason::AssistantNotFound => NO_ASSISTANT,
        Reason::RateLimited | Reason::ConcurrencyLimited => TOO_MANY_REQUESTS,
        Reason::RegionNotAllowed => NOT_IN_REGION,
        Reason::ClientAddressUnknown
        | Reason::KeysUnavailable
        | Reason::OwnKeysUnavailable
        | Reason::PolicyUnavailable
        | Reason::StateUnavailable
        | Reason::HostUnable
        | Reason::ClockUnknown => UNAVAILABLE,
        Reason::OriginsUnavailable
        | Reason::OriginUnreachable
        | Reason::OriginFailed
        | Reason::OriginTenantMismatch
        | Reason::OriginRedirectRefused => NO_ANSWER,
        Reason::OriginTimeout => LATE_ANSWER,
    }
}

/// The title, what happened and what to do, in English and in Japanese.
const fn said(en: [&'static str; 3], ja: [&'static str; 3]) -> Row {
    let [title, happened, next] = en;
    let en = Words { title, happened, next };
    let [title, happened, next] = ja;
    Row { en, ja: Words { title, happened, next } }
}

const HTTPS_REQUIRED: Row = said(
    [
        "Secure connection required",
        "This service can be reached over HTTPS only.",
        "Please open the address again with https:// at its beginning.",
    ],
    [
        "安全な接続が必要です",
        "このサービスには HTTPS でのみ接続できます。",
        "https:// で始まるアドレスで、もう一度開いてください。",
    ],
);

const INCOMPLETE: Row = said(
    [
        "Request not complete",
        "The request did not arrive as a whole, or came too slowly.",
        "Please check your connection and try again.",
    ],
    [
        "リクエストが届きませんでした",
        "リクエストの一部が届かないか、届くのに時間がかかりすぎました。",
        "接続をご確認のうえ、もう一度お試しください。",
    ],
);

const UNUSUAL_WAY: Row = said(
    [
        "Access denied",
        "The request did not come to this service the usual way.",
        "Please use the address that your administrator gave you.",
    ],
    [
        "アクセスできません",
        "通常とは異なる経路からのアクセスのため、受け付けませんでした。",
        "管理者から案内されたアドレスをお使いください。",
    ],
);

const NOT_UNDERSTOOD: Row = said(
    [
        "Request not understood",
        "The request has a form that this service does not accept.",
        "Please check the address, or start again from the service's home page.",
    ],
    [
        "リクエストを処理できません",
        "このサービスでは受け付けられない形式のリクエストです。",
        "アドレスを確認するか、サービスのトップページからもう一度お試しください。",
    ],
);

const HEAD_TOO_LARGE: Row = said(
    [
        "Request too large",
        "More was sent along with the request, such as cookies, than this service accepts.",
        "Please delete this site's cookies, then try again.",
    ],
    [
        "リクエストが大きすぎます",
        "Cookie など、リクエストに付随する情報が、受け付けられる大きさを超えています。",
        "このサイトの Cookie を削除してから、もう一度お試しください。",
    ],
);

const BODY_TOO_LARGE: Row = said(
    [
        "File or message too large",
        "What you sent is larger than this service accepts.",
        "Please send a smaller file or a shorter message.",
    ],
    [
        "送信内容が大きすぎます",
        "送信されたファイルまたはメッセージが、受け付けられる大きさを超えています。",
        "ファイルを小さくするかメッセージを短くして、もう一度お試しください。",
    ],
);

const NO_SERVICE: Row = said(
    [
        "Service not found",
        "There is no service at this address.",
        "Please check the spelling of the address, or ask your administrator for the right one.",
    ],
    [
        "サービスが見つかりません",
        "このアドレスで提供されているサービスはありません。",
        "アドレスに誤りがないか確認するか、正しいアドレスを管理者にお問い合わせください。",
    ],
);

const NOT_FOUND: Row = said(
    [
        "Not found",
        "There is nothing at this address.",
        "Please check the address, or start again from the service's home page.",
    ],
    [
        "見つかりません",
        "お探しのものは、このアドレスにはありません。",
        "アドレスに誤りがないか確認するか、サービスのトップページから開いてください。",
    ],
);

const NOT_POSSIBLE: Row = said(
    [
        "Not possible here",
        "This address does not accept this kind of request.",
        "Please go back to the page that you came from, and try again there.",
    ],
    [
        "この操作はできません",
        "このアドレスでは、この種類のリクエストを受け付けていません。",
        "元のページに戻って、もう一度お試しください。",
    ],
);

const NETWORK_NOT_ALLOWED: Row = said(
    [
        "Not available from this network",
        "Your organisation does not allow access from the network that you are using.",
        "Please connect from your company's network or its VPN, or ask your administrator.",
    ],
    [
        "このネットワークからは利用できません",
        "ご所属の組織は、現在お使いのネットワークからのアクセスを許可していません。",
        "社内ネットワークまたは VPN に接続してお試しになるか、管理者にお問い合わせください。",
    ],
);

const NETWORK_UNDEFINED: Row = said(
    [
        "Not set up yet",
        "Your organisation has not yet chosen the networks from which this may be used.",
        "Please ask your administrator to set them up.",
    ],
    [
        "まだ利用できません",
        "この機能を利用できるネットワークが、ご所属の組織でまだ設定されていません。",
        "管理者にネットワークの設定を依頼してください。",
    ],
);

const NOT_SIGNED_IN: Row = said(
    ["Sign-in required", "You are not signed in.", "Please sign in, then open this page again."],
    [
        "サインインが必要です",
        "現在、サインインしていません。",
        "サインインしてから、このページをもう一度開いてください。",
    ],
);

const SIGN_IN_ENDED: Row = said(
    [
        "Please sign in again",
        "Your sign-in has expired or has been ended.",
        "Please sign in again to continue.",
    ],
    [
        "もう一度サインインしてください",
        "サインインの有効期限が切れたか、サインインが取り消されました。",
        "続けるには、もう一度サインインしてください。",
    ],
);

const SIGN_IN_UNVERIFIED: Row = said(
    [
        "Sign-in not accepted",
        "Your sign-in could not be verified.",
        "Please sign in again. If that does not help, ask your administrator.",
    ],
    [
        "サインインを確認できません",
        "サインインの情報を確認できませんでした。",
        "もう一度サインインしてください。解決しない場合は、管理者にお問い合わせください。",
    ],
);

const ANOTHER_ORGANISATION: Row = said(
    [
        "Signed in to another organisation",
        "The account that you are signed in with does not belong to the organisation at this address.",
        "Please sign in with an account of this organisation.",
    ],
    [
        "別の組織にサインインしています",
        "サインイン中のアカウントは、このアドレスの組織のものではありません。",
        "このアドレスの組織のアカウントで、サインインし直してください。",
    ],
);

const ANOTHER_SITE: Row = said(
    [
        "Stopped for your safety",
        "Another website made this request in your name, so it was not carried out.",
        "If you meant to do this, please open the service itself and do it there.",
    ],
    [
        "安全のため操作を中止しました",
        "ほかのサイトがあなたの名前で送ったリクエストのため、実行しませんでした。",
        "ご自身の操作である場合は、サービスの画面を開いて、そこからもう一度お試しください。",
    ],
);

const NO_ACCOUNT: Row = said(
    [
        "No account",
        "You have no account for this service.",
        "If you need one, please ask your administrator.",
    ],
    [
        "アカウントがありません",
        "このサービスのアカウントが登録されていません。",
        "利用が必要な場合は、管理者にお問い合わせください。",
    ],
);

const ACCOUNT_SUSPENDED: Row = said(
    ["Account suspended", "Your account is suspended.", "Please ask your administrator."],
    [
        "アカウントは停止されています",
        "お使いのアカウントは、利用が停止されています。",
        "管理者にお問い合わせください。",
    ],
);

const NO_RIGHT: Row = said(
    [
        "Access denied",
        "Your account does not have the right to use this.",
        "If you need it, please ask your administrator.",
    ],
    [
        "アクセスできません",
        "お使いのアカウントには、この機能を利用する権限がありません。",
        "利用が必要な場合は、管理者にお問い合わせください。",
    ],
);

const NO_ASSISTANT: Row = said(
    [
        "Assistant not found",
        "There is no such assistant, or it is not shared with you.",
        "Please ask its owner or your administrator to share it with you.",
    ],
    [
        "アシスタントが見つかりません",
        "アシスタントが存在しないか、あなたに共有されていません。",
        "アシスタントの所有者または管理者に、共有を依頼してください。",
    ],
);

const TOO_MANY_REQUESTS: Row = said(
    [
        "Too many requests",
        "You or your organisation sent too many requests in a short time.",
        "Please wait a moment, then try again.",
    ],
    [
        "リクエストが多すぎます",
        "短い時間に多くのリクエストが送られたため、受け付けを一時的に制限しています。",
        "しばらく待ってから、もう一度お試しください。",
    ],
);

const NOT_IN_REGION: Row = said(
    [
        "Not available in your region",
        "This is not offered in the region that your organisation has chosen for its data.",
        "Please ask your administrator.",
    ],
    [
        "ご利用の地域では提供していません",
        "ご所属の組織がデータの保管先に選んだ地域では、この機能を提供していません。",
        "管理者にお問い合わせください。",
    ],
);

const UNAVAILABLE: Row = said(
    [
        "Temporarily unavailable",
        "The service cannot process your request right now.",
        "Please try again in a moment. If it goes on, tell your administrator.",
    ],
    [
        "一時的に利用できません",
        "現在、リクエストを処理できません。",
        "しばらくしてからもう一度お試しください。解決しない場合は、管理者にお知らせください。",
    ],
);

const NO_ANSWER: Row = said(
    [
        "Service not answering",
        "The service cannot be reached, or gave no usable answer.",
        "Please try again in a moment. If it goes on, tell your administrator.",
    ],
    [
        "サービスが応答していません",
        "サービスに接続できないか、正しい応答を得られませんでした。",
        "しばらくしてからもう一度お試しください。解決しない場合は、管理者にお知らせください。",
    ],
);

const LATE_ANSWER: Row = said(
    [
        "The answer took too long",
        "The service did not answer in time.",
        "Please try again in a moment. If it goes on, tell your administrator.",
    ],
    [
        "応答に時間がかかりすぎています",
        "時間内にサービスから応答がありませんでした。",
        "しばらくしてからもう一度お試しください。解決しない場合は、管理者にお知らせください。",
    ],
);
