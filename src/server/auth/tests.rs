use super::*;

/// 2025-08-29T10:00:00Z
pub(super) const NOW: i64 = 1_756_461_600;
pub(super) const BODY: &[u8] = br#"{"message":{"type":"hang"}}"#;

/// What becomes of a request with these headers: it is let through, or refused with these words for the log.
pub(super) fn outcome(credentials: Vec<Credential>, headers: &[(&str, &str)], body: &[u8]) -> Result<(), String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<hyper::header::HeaderName>().unwrap(), value.parse().unwrap());
    }
    let received = Received {
        method: "POST",
        url: &Uri::from_static("/bistro?a=b"),
        headers: &map,
        body: &Bytes::copy_from_slice(body),
        peer: "::ffff:167.150.224.9".parse().unwrap(),
        now: Timestamp::from_second(NOW).unwrap(),
    };
    let outcome = verify(&Credentials::any_of(credentials), &received);
    outcome.map(drop).map_err(|refused| refused.to_string())
}

fn secret(value: &str) -> Credential {
    Credential::secret(&value.into()).unwrap()
}

fn bearer(token: &str, header: &str, prefix: bool) -> Credential {
    Credential::bearer(&BearerSettings { token: token.into(), header: header.to_owned(), prefix }).unwrap()
}

/// Asserts that `headers` prove the credential.
#[track_caller]
fn proves(credential: Credential, headers: &[(&str, &str)]) {
    assert_eq!(outcome(vec![credential], headers, BODY), Ok(()));
}

/// Asserts that `headers` do not prove the credential, for this reason.
#[track_caller]
fn fails(credential: Credential, headers: &[(&str, &str)], reason: &str) {
    assert_eq!(outcome(vec![credential], headers, BODY), Err(reason.to_owned()));
}

#[test]
fn the_legacy_secret_is_compared_as_it_is() {
    proves(secret("s3cret"), &[("X-Vapi-Secret", "s3cret")]);
    fails(secret("s3cret"), &[], "secret: header x-vapi-secret is missing");
    for wrong in ["S3cret", "s3cre", "s3crets", "s3cret ", "Bearer s3cret", "\u{e9}"] {
        fails(secret("s3cret"), &[("x-vapi-secret", wrong)], "secret: header x-vapi-secret does not match");
    }
}

#[test]
fn an_empty_header_proves_nothing() {
    fails(secret("s3cret"), &[("x-vapi-secret", "")], "secret: header x-vapi-secret is empty");
    fails(secret("s3cret"), &[("x-vapi-secret", " ")], "secret: header x-vapi-secret is empty");
    fails(bearer("t", "x-key", false), &[("x-key", "")], "bearer: header x-key is empty");
    fails(bearer("t", "x-key", true), &[("x-key", "Bearer ")], "bearer: header x-key does not match");
    let hmac = Credential::hmac(HmacCheck::new(&HmacSettings::new("k".into())).unwrap());
    fails(hmac, &[("x-signature", "")], "hmac: header x-signature is empty");
}

#[test]
fn a_repeated_header_proves_nothing_even_if_one_is_right() {
    let twice = [("x-vapi-secret", "s3cret"), ("x-vapi-secret", "other")];
    fails(secret("s3cret"), &twice, "secret: header x-vapi-secret is sent more than once");
    let twice = [("authorization", "Bearer t"), ("Authorization", "Bearer t")];
    fails(bearer("t", "authorization", true), &twice, "bearer: header authorization is sent more than once");
}

#[test]
fn the_bearer_scheme_may_be_in_any_letter_case() {
    for value in ["Bearer t0k", "bearer t0k", "BEARER t0k"] {
        proves(bearer("t0k", "authorization", true), &[("authorization", value)]);
    }
    for value in ["t0k", "Basic t0k", "Bearer", "Bearert0k", "B"] {
        let reason = "bearer: header authorization has no `Bearer ` prefix";
        fails(bearer("t0k", "authorization", true), &[("authorization", value)], reason);
    }
    for value in ["Bearer  t0k", "Bearer T0K", "Bearer t0"] {
        let reason = "bearer: header authorization does not match";
        fails(bearer("t0k", "authorization", true), &[("authorization", value)], reason);
    }
}

#[test]
fn a_bare_token_stands_in_the_header_of_ones_choice() {
    proves(bearer("t0k", "X-Api-Key", false), &[("x-api-key", "t0k")]);
    let reason = "bearer: header x-api-key does not match";
    fails(bearer("t0k", "X-Api-Key", false), &[("x-api-key", "Bearer t0k")], reason);
}

#[test]
fn any_one_of_several_credentials_will_do() {
    let both = || vec![secret("old"), secret("new"), bearer("t", "authorization", true)];
    assert_eq!(outcome(both(), &[("x-vapi-secret", "old")], BODY), Ok(()));
    assert_eq!(outcome(both(), &[("x-vapi-secret", "new")], BODY), Ok(()));
    assert_eq!(outcome(both(), &[("authorization", "Bearer t"), ("x-vapi-secret", "")], BODY), Ok(()));
    let reasons = "secret: header x-vapi-secret does not match; secret: header x-vapi-secret does not match; \
                   bearer: header authorization is missing";
    assert_eq!(outcome(both(), &[("x-vapi-secret", "older")], BODY), Err(reasons.to_owned()));
}

#[test]
fn no_credentials_admit_nobody_and_open_ones_everybody() {
    assert_eq!(outcome(Vec::new(), &[], BODY), Err("the server accepts no credential at all".to_owned()));
    let received = Received {
        method: "POST",
        url: &Uri::from_static("/"),
        headers: &HeaderMap::new(),
        body: &Bytes::from_static(BODY),
        peer: "203.0.113.7".parse().unwrap(),
        now: Timestamp::UNIX_EPOCH,
    };
    let authentic = verify(&Credentials::open(), &received).unwrap();
    assert_eq!(authentic.into_body(), Bytes::from_static(BODY));
    assert!(Credentials::open().is_open() && !Credentials::any_of(Vec::new()).is_open());
}

#[test]
fn addresses_narrow_a_credential_and_do_not_replace_it() {
    let from = |network: &str| secret("s").only_from(vec![network.parse().unwrap()]).unwrap();
    proves(from("167.150.224.0/23"), &[("x-vapi-secret", "s")]);
    proves(from("::ffff:167.150.224.0/119"), &[("x-vapi-secret", "s")]);
    fails(from("167.150.224.0/23"), &[], "secret: header x-vapi-secret is missing");
    let reason = "secret: address 167.150.224.9 is not among the allowed";
    fails(from("10.0.0.0/8"), &[("x-vapi-secret", "s")], reason);
    fails(from("2001:db8::/32"), &[("x-vapi-secret", "s")], reason);
    assert_eq!(secret("s").only_from(Vec::new()).unwrap_err().field, "addresses");
}

#[test]
fn a_credential_that_could_never_be_right_cannot_be_made() {
    let of_secret = |value: &str| Credential::secret(&value.into()).unwrap_err().message;
    assert_eq!(of_secret(""), "`secret` is empty");
    assert_eq!(of_secret(" \n"), "`secret` is empty");
    assert_eq!(of_secret("s3cret\n"), "`secret` begins or ends with white space");

    let of_bearer = |token: &str, header: &str| {
        let settings = BearerSettings { token: token.into(), header: header.to_owned(), prefix: true };
        Credential::bearer(&settings).unwrap_err()
    };
    assert_eq!(of_bearer("", "authorization").message, "`token` is empty");
    assert_eq!(of_bearer("t", "x key").message, "`x key` is not the name of a header");
    assert_eq!(of_bearer("bearer t", "authorization").field, "token");
}

#[test]
fn secrets_are_not_shown() {
    let mut settings = HmacSettings::new("hush-key".into());
    settings.prefix = "sha256=".to_owned();
    let token = BearerSettings::new("hush-token".into());
    let credentials = vec![
        secret("hush-secret"),
        Credential::bearer(&token).unwrap(),
        Credential::hmac(HmacCheck::new(&settings).unwrap()),
    ];
    let shown = format!("{:?} {settings:?} {token:?}", Credentials::any_of(credentials));
    assert!(shown.contains("REDACTED") && !shown.contains("hush"), "{shown}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"hush-secret");
    assert!(!shown.contains(&data_encoding::HEXLOWER.encode(digest.as_ref())), "{shown}");
}

#[test]
fn refusals_do_not_show_what_was_received() {
    let headers = [("x-vapi-secret", "hush"), ("authorization", "hush"), ("x-signature", "hush"), ("x-timestamp", "7")];
    let credentials = vec![
        secret("s"),
        bearer("t", "authorization", false),
        Credential::hmac(HmacCheck::new(&HmacSettings::new("k".into())).unwrap()),
    ];
    let refused = outcome(credentials, &headers, b"hush").unwrap_err();
    assert!(!refused.contains("hush"), "{refused}");
}
