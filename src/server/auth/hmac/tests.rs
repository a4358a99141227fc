use aws_lc_rs::hmac::sign;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use proptest::prelude::*;

use super::super::Credential;
use super::super::tests::{BODY, NOW, outcome};
use super::*;

const KEY: &str = "a key that both sides know";

fn settings(change: impl FnOnce(&mut HmacSettings)) -> HmacSettings {
    let mut settings = HmacSettings::new(KEY.into());
    change(&mut settings);
    settings
}

/// What becomes of a request with these headers: nothing, or the words for the log without their `hmac: `.
fn check(settings: &HmacSettings, headers: &[(&str, &str)], body: &[u8]) -> Result<(), String> {
    let credential = Credential::hmac(HmacCheck::new(settings).unwrap());
    outcome(vec![credential], headers, body).map(drop).map_err(|refused| refused.replacen("hmac: ", "", 1))
}

fn tag(text: &[u8]) -> Vec<u8> {
    sign(&Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), text).as_ref().to_vec()
}

fn signed(text: &str) -> String {
    HEXLOWER.encode(&tag(text.as_bytes()))
}

fn body() -> &'static str {
    str::from_utf8(BODY).unwrap()
}

/// Runs a published vector through the check, as a signature over the bare body.
#[track_caller]
fn vector(algorithm: Algorithm, key: &[u8], data: &[u8], mac: &str) {
    let settings = settings(|it| {
        it.key = BASE64.encode(key).into();
        it.key_is_base64 = true;
        it.algorithm = algorithm;
        it.include_timestamp = false;
    });
    assert_eq!(check(&settings, &[("x-signature", mac)], data), Ok(()));
    // RFC 4231, test case 5: a signature that was cut off is none.
    let (cut_off, _) = mac.split_at(32);
    assert!(check(&settings, &[("x-signature", cut_off)], data).unwrap_err().contains("holds no"));
    assert!(check(&settings, &[("x-signature", mac)], b"other").unwrap_err().contains("does not match"));
}

#[test]
fn rfc_4231() {
    let counting: Vec<u8> = (1..=25).collect();
    let cases: [(&[u8], &[u8], &str, &str); 6] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
             daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39\
             bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
        ),
        (
            &counting,
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db\
             a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
        ),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
             6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
        ),
        (
            &[0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. \
              The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944\
             b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
        ),
    ];
    for (key, data, sha256, sha512) in cases {
        vector(Algorithm::Sha256, key, data, sha256);
        vector(Algorithm::Sha512, key, data, sha512);
    }
}

#[test]
fn rfc_2202() {
    vector(Algorithm::Sha1, &[0x0b; 20], b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00");
    vector(Algorithm::Sha1, b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    vector(Algorithm::Sha1, &[0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
    vector(Algorithm::Sha1, &[0xaa; 80], long, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

/// The example of the Svix documentation, which is also a Standard Webhooks signature. It is from February 2021.
#[test]
fn the_published_svix_example() {
    let settings = settings(|it| {
        it.key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        it.key_is_base64 = true;
        it.signature_header = "svix-signature".to_owned();
        it.timestamp_header = "svix-timestamp".to_owned();
        it.message_id_header = Some("svix-id".to_owned());
        it.prefix = "v1,".to_owned();
        it.encoding = Encoding::Base64;
        it.payload = Some("{svix-id}.{timestamp}.{body}".to_owned());
        it.tolerance = Duration::from_secs(20 * 366 * 24 * 60 * 60);
    });
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let message = ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
    let check = |signature: &str, message, timestamp| {
        let headers = [("svix-signature", signature), message, ("svix-timestamp", timestamp)];
        check(&settings, &headers, br#"{"test": 2432232314}"#)
    };
    assert_eq!(check(signature, message, "1614265330"), Ok(()));
    let older = "v1a,dGhhdA== v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= v1,short";
    assert_eq!(check(&format!("{older} {signature}"), message, "1614265330"), Ok(()));
    assert!(check(older, message, "1614265330").unwrap_err().contains("does not match"));
    assert!(check(signature, message, "1614265331").unwrap_err().contains("does not match"));
    assert!(check(signature, ("svix-id", "msg_other"), "1614265330").unwrap_err().contains("does not match"));
    assert_eq!(check(signature, ("x", "y"), "1614265330").unwrap_err(), "header svix-id is missing");
    assert_eq!(check("v1a,dGhhdA==", message, "1614265330").unwrap_err(), "header svix-signature has no `v1,` prefix");
}

/// As seen in production: hex over the raw body, no time.
#[test]
fn a_signature_over_the_raw_body_alone() {
    let settings = settings(|it| {
        it.key = "posthog-like secret".into();
        it.signature_header = "X-Vapi-Signature".to_owned();
        it.include_timestamp = false;
    });
    let signature = "6eb3d0276649e3104fd498bbda2c251dd1a176a6185a851b8b9416cc31f1fd6c";
    assert_eq!(check(&settings, &[("x-vapi-signature", signature)], BODY), Ok(()));
    assert_eq!(check(&settings, &[], BODY).unwrap_err(), "header x-vapi-signature is missing");
    let reason = "signature does not match (sha256 over `{body}`, 28 bytes of body)";
    assert_eq!(
        check(&settings, &[("x-vapi-signature", signature)], b"{\"message\":{\"type\":\"hang\"}} "),
        Err(reason.into())
    );
}

#[test]
fn vapis_defaults() {
    let settings = settings(|_| ());
    for timestamp in ["1756461600", "1756461600000", "1756461599.5", "1756461300", "1756461900"] {
        let signature = signed(&format!("{timestamp}.{}", body()));
        assert_eq!(check(&settings, &[("x-signature", &signature), ("x-timestamp", timestamp)], BODY), Ok(()));
    }
    let signature = signed(body());
    let refused = |headers: &[(&str, &str)]| check(&settings, headers, BODY).unwrap_err();
    assert_eq!(refused(&[("x-signature", &signature)]), "header x-timestamp is missing");
    let refused = |timestamp: &str| refused(&[("x-signature", &signature), ("x-timestamp", timestamp)]);
    assert_eq!(refused("1756461188"), "timestamp is 412 s old, tolerance is 300 s");
    assert_eq!(refused("1756462012000"), "timestamp is 412 s ahead, tolerance is 300 s");
    assert_eq!(refused("yesterday"), "header x-timestamp holds no Unix time in seconds or milliseconds");
    assert_eq!(refused(""), "header x-timestamp is empty");
    let words = "signature does not match (sha256 over `{timestamp}.{body}`, 27 bytes of body)";
    assert_eq!(refused("1756461600"), words);
}

#[test]
fn a_signature_may_be_spelt_in_several_ways() {
    let tag = tag(BODY);
    let check = |encoding, prefix: &str, signature: &str| {
        let settings = settings(|it| {
            it.include_timestamp = false;
            it.encoding = encoding;
            it.prefix = prefix.to_owned();
        });
        check(&settings, &[("x-signature", signature)], BODY)
    };
    assert_eq!(check(Encoding::Hex, "", &HEXLOWER.encode(&tag)), Ok(()));
    assert_eq!(check(Encoding::Hex, "", &HEXUPPER.encode(&tag)), Ok(()));
    assert_eq!(check(Encoding::Hex, "sha256=", &format!("sha256={}", HEXLOWER.encode(&tag))), Ok(()));
    assert_eq!(check(Encoding::Hex, "HMAC ", &format!("HMAC {}", HEXLOWER.encode(&tag))), Ok(()));
    assert_eq!(check(Encoding::Base64, "", &BASE64.encode(&tag)), Ok(()));
    assert_eq!(check(Encoding::Base64, "", &BASE64URL_NOPAD.encode(&tag)), Ok(()));

    let no_prefix = "header x-signature has no `sha256=` prefix";
    assert_eq!(check(Encoding::Hex, "sha256=", &HEXLOWER.encode(&tag)).unwrap_err(), no_prefix);
    let not_hex = "header x-signature holds no sha256 signature in hex";
    assert_eq!(check(Encoding::Hex, "", &BASE64.encode(&tag)).unwrap_err(), not_hex);
    assert_eq!(check(Encoding::Hex, "", "00").unwrap_err(), not_hex);
    let not_base64 = "header x-signature holds no sha256 signature in base64";
    assert_eq!(check(Encoding::Base64, "", &HEXLOWER.encode(&tag)).unwrap_err(), not_base64);
}

#[test]
fn a_signed_url_may_or_may_not_name_the_host() {
    let settings = settings(|it| {
        it.include_timestamp = false;
        it.payload = Some("{method} {url} {body}".to_owned());
    });
    let check = |url: &str| {
        let signature = signed(&format!("POST {url} {}", body()));
        check(&settings, &[("x-signature", &signature), ("host", "bistro.example:8443")], BODY)
    };
    assert_eq!(check("/bistro?a=b"), Ok(()));
    assert_eq!(check("https://bistro.example:8443/bistro?a=b"), Ok(()));
    assert_eq!(check("http://bistro.example:8443/bistro?a=b"), Ok(()));
    assert!(check("https://other.example/bistro?a=b").is_err());
    assert!(check("/bistro").is_err());
}

#[test]
fn the_host_of_an_absolute_url_goes_before_the_header() {
    let mut headers = hyper::HeaderMap::new();
    headers.insert(HOST, "header.example".parse().unwrap());
    let forms = |url: &'static str| {
        let url = &hyper::Uri::from_static(url);
        let received = Received {
            method: "POST",
            url,
            headers: &headers,
            body: &bytes::Bytes::new(),
            peer: [127, 0, 0, 1].into(),
            now: jiff::Timestamp::from_second(NOW).unwrap(),
        };
        url_forms(&received).to_vec()
    };
    assert_eq!(forms("http://a.example/x?y"), ["/x?y", "https://a.example/x?y", "http://a.example/x?y"]);
    assert_eq!(forms("/x?y"), ["/x?y", "https://header.example/x?y", "http://header.example/x?y"]);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let refused = |change: fn(&mut HmacSettings)| HmacCheck::new(&settings(change)).unwrap_err().to_string();
    assert!(refused(|it| it.key = "".into()).starts_with("`key` is empty: "));
    assert!(refused(|it| it.key = "\n".into()).starts_with("`key` is empty: "));
    assert!(refused(|it| it.key = "k\n".into()).starts_with("`key` begins or ends with white space: "));
    assert!(refused(|it| (it.key, it.key_is_base64) = ("==".into(), true)).starts_with("`key` is empty: "));
    assert!(refused(|it| (it.key, it.key_is_base64) = ("no!".into(), true)).starts_with("`key` is not base64"));
    assert!(refused(|it| it.payload = Some("{body}".into())).contains("write `include_timestamp: false`"));
    assert!(
        refused(|it| (it.payload, it.include_timestamp) = (Some("{timestamp}{body}".into()), false)).contains("but")
    );
    assert!(
        refused(|it| it.payload = Some("{svix-id}{timestamp}{body}".into())).contains("message_id_header: svix-id")
    );
    assert!(refused(|it| it.signature_header = "x signature".into()).starts_with("`x signature` is not the name"));
    assert!(refused(|it| it.timestamp_header = String::new()).starts_with("`` is not the name"));
}

/// Flips one bit of `bytes`, chosen by `at`.
fn flip(bytes: &mut [u8], at: prop::sample::Index) {
    let bit = at.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

fn header_text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|text| hyper::header::HeaderValue::from_str(text).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_flipped_bit_of_the_body_is_noticed(
        mut body in prop::collection::vec(any::<u8>(), 1..200),
        at: prop::sample::Index,
    ) {
        let settings = settings(|it| it.include_timestamp = false);
        let signature = HEXLOWER.encode(&tag(&body));
        prop_assert_eq!(check(&settings, &[("x-signature", &signature)], &body), Ok(()));
        flip(&mut body, at);
        prop_assert!(check(&settings, &[("x-signature", &signature)], &body).is_err());
    }

    #[test]
    fn one_flipped_bit_of_the_timestamp_is_noticed(offset in -300..=300_i64, at: prop::sample::Index) {
        let settings = settings(|_| ());
        let mut timestamp = (NOW + offset).to_string().into_bytes();
        let signature = signed(&format!("{}.{}", NOW + offset, body()));
        let check = |timestamp: &str| {
            check(&settings, &[("x-signature", &signature), ("x-timestamp", timestamp)], BODY)
        };
        prop_assert_eq!(check(header_text(&timestamp).unwrap()), Ok(()));
        flip(&mut timestamp, at);
        prop_assume!(header_text(&timestamp).is_some());
        prop_assert!(check(header_text(&timestamp).unwrap()).is_err());
    }

    #[test]
    fn one_flipped_bit_of_the_signature_is_noticed(at: prop::sample::Index, written: bool) {
        let settings = settings(|it| {
            it.include_timestamp = false;
            it.encoding = Encoding::Base64;
        });
        let mut tag = tag(BODY);
        let mut text = BASE64.encode(&tag).into_bytes();
        if written {
            flip(&mut text, at);
        } else {
            flip(&mut tag, at);
            text = BASE64.encode(&tag).into_bytes();
        }
        prop_assume!(header_text(&text).is_some());
        prop_assert!(check(&settings, &[("x-signature", header_text(&text).unwrap())], BODY).is_err());
    }
}
