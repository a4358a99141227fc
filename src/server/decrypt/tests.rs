use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, OaepPublicEncryptingKey};
use serde_json::json;

use super::*;

/// Made for this test: `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`.
const PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDuaZgG2zr+JKbG
GEsA3XAGaFQIR5UkeQSiDbcfa8PncuiHAFfs87Kpp0FeBD4TqHTZI8nJ4+ZxB4WD
FIWc8kUBpGJDPVlEGCKhqEi5Xwm4gTlTGpFf7J7nt/3bydMjV3vkFa7qxHKE668f
UVsq2nyq2CSAZZUrkcb8P0V3epNSfcR+qT3YyDYfG3TJoerSPapOApTzFod6Zfx8
hEj71UEpqmbAhthm1ORR1yUiYyL+bYjHrUbzGa027B7B3SccLfL2kTEjcCuo45Tx
ytWbLh1QcqWLBBYFHjs9o/CPWsZiFpruHU5mnKl6+TsPL2Tl06QFchjXrBMjYoZ5
5dLBn8CZAgMBAAECggEAB+vfPr8S/zW1ithsyYsR+UyHGj1SocMZmc7N2k/o0uxY
+H9U7I0OTx+9BsQqUdnjhAFx53DYi8HduES6ycOs8kiFcUl9CUup/ugJ/oq/Vm+I
uY+k6+R/RSCyYRacGs0B00q7JJbBXVQ9XdOErXBT+xMyZ0e4xJlT3La3dqhOc8uk
i9qBn6+YO5E243dPJUZ965f4IRo07Oj7IBKxXGSn08C4MJuUKkhYEm7cAn/fILpW
4jcMUvs1QKB6TZLazCNi7DlKSIkkK16vlFyoh8Cc8YM16C/48JW2lbxMeSeHqYxr
knuD/AIVKDItf7ETvW6OxrCH4NafNWjCAElAEhDYzwKBgQD7U8DAT19ITmfSjbIg
mYRFFMtsHatTjhg/XlGVIywvr03aZ8ZdCKZsyklRr1yzyjD4dv7mTowRi7kaAJUJ
VDZ5RQQjLPilgZeZ5/Q/nsO0pmnvxpO0R4k3D3rWFLFP6Nb/fVED+hYW/weZQs4u
w/3HaKpUtpijNnnS1+6NFBomJwKBgQDy2F7hzEd9sm9GN65Z76QIv24YbL7ZB+JH
fJ/850ui2++SPswHswEagJEf4kGsNYidpwqae1etNJtd3S9iQ5/hqvE4TpdrSdHG
1WA1prF0WOU27PRku1SR+JBrXr1aXbpzEXEQOdjKS5W7NT1cokzQak71hbZg0IVP
ZwkouCvbPwKBgQCsnLoumpTzYT43QzBK6YUJuR15dOsdaONIamwXxN9tJLaQwWNg
tDcxUsGGg61kogJ+M6Qf42SaDF+l9y5lCNyc74TG7/UaHuZTQxbitxTstrrdfoIl
eFhKY6xW6kFZg65eLOB+nb2cL641WceoIN3kngMWSY6N0jVbVQi3Bk5rUwKBgQDH
gJnyRjA1Q3HG7dd+azEHPrzjs/LVuXRb5jZJPnsUwDqAmrZjXNt7OkP/PZFWOGST
n7dGUi4lTSKWai+TOpsOebDR4T7kFTEReBoh+V+vhZhJF0Fvv7YqdVmv25UTuAyE
m7+W5O8EwjOwKHzQrUUNs0hKzB6YSrY6FRuhKCxfYQKBgD2hVX3sewi3Y4dTKlgR
bi57tTaSJ89AEr9nHtIBb4Hk5s6u4lDBR4ACsfYdDFHZXg1JosvMg3xc5XBrzZsF
sKv2deVSJhItz/XRQWaJVd9LNkjkHujuswdb9zL3bP13XcXGWjJzkWf4tscts4Z3
TC2FLSfYwpXyvsqLSGy1IaIj
-----END PRIVATE KEY-----";

/// The same key: `openssl rsa -traditional`.
const PKCS1: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEA7mmYBts6/iSmxhhLAN1wBmhUCEeVJHkEog23H2vD53LohwBX
7POyqadBXgQ+E6h02SPJyePmcQeFgxSFnPJFAaRiQz1ZRBgioahIuV8JuIE5UxqR
X+ye57f928nTI1d75BWu6sRyhOuvH1FbKtp8qtgkgGWVK5HG/D9Fd3qTUn3Efqk9
2Mg2Hxt0yaHq0j2qTgKU8xaHemX8fIRI+9VBKapmwIbYZtTkUdclImMi/m2Ix61G
8xmtNuwewd0nHC3y9pExI3ArqOOU8crVmy4dUHKliwQWBR47PaPwj1rGYhaa7h1O
Zpypevk7Dy9k5dOkBXIY16wTI2KGeeXSwZ/AmQIDAQABAoIBAAfr3z6/Ev81tYrY
bMmLEflMhxo9UqHDGZnOzdpP6NLsWPh/VOyNDk8fvQbEKlHZ44QBcedw2IvB3bhE
usnDrPJIhXFJfQlLqf7oCf6Kv1ZviLmPpOvkf0UgsmEWnBrNAdNKuySWwV1UPV3T
hK1wU/sTMmdHuMSZU9y2t3aoTnPLpIvagZ+vmDuRNuN3TyVGfeuX+CEaNOzo+yAS
sVxkp9PAuDCblCpIWBJu3AJ/3yC6VuI3DFL7NUCgek2S2swjYuw5SkiJJCter5Rc
qIfAnPGDNegv+PCVtpW8THknh6mMa5J7g/wCFSgyLX+xE71ujsawh+DWnzVowgBJ
QBIQ2M8CgYEA+1PAwE9fSE5n0o2yIJmERRTLbB2rU44YP15RlSMsL69N2mfGXQim
bMpJUa9cs8ow+Hb+5k6MEYu5GgCVCVQ2eUUEIyz4pYGXmef0P57DtKZp78aTtEeJ
Nw961hSxT+jW/31RA/oWFv8HmULOLsP9x2iqVLaYozZ50tfujRQaJicCgYEA8the
4cxHfbJvRjeuWe+kCL9uGGy+2QfiR3yf/OdLotvvkj7MB7MBGoCRH+JBrDWInacK
mntXrTSbXd0vYkOf4arxOE6Xa0nRxtVgNaaxdFjlNuz0ZLtUkfiQa169Wl26cxFx
EDnYykuVuzU9XKJM0GpO9YW2YNCFT2cJKLgr2z8CgYEArJy6LpqU82E+N0MwSumF
CbkdeXTrHWjjSGpsF8TfbSS2kMFjYLQ3MVLBhoOtZKICfjOkH+NkmgxfpfcuZQjc
nO+Exu/1Gh7mU0MW4rcU7La63X6CJXhYSmOsVupBWYOuXizgfp29nC+uNVnHqCDd
5J4DFkmOjdI1W1UItwZOa1MCgYEAx4CZ8kYwNUNxxu3XfmsxBz6847Py1bl0W+Y2
ST57FMA6gJq2Y1zbezpD/z2RVjhkk5+3RlIuJU0ilmovkzqbDnmw0eE+5BUxEXga
Iflfr4WYSRdBb7+2KnVZr9uVE7gMhJu/luTvBMIzsCh80K1FDbNISswemEq2OhUb
oSgsX2ECgYA9oVV97HsIt2OHUypYEW4ue7U2kifPQBK/Zx7SAW+B5ObOruJQwUeA
ArH2HQxR2V4NSaLLzIN8XOVwa82bBbCr9nXlUiYSLc/10UFmiVXfSzZI5B7o7rMH
W/cy92z9d13Fxloyc5Fn+LbHLbOGd0wthS0n2MKV8r7Ki0hstSGiIw==
-----END RSA PRIVATE KEY-----";

/// `123-45-6789` for the same key:
/// `openssl pkeyutl -encrypt -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256`.
const ENCRYPTED: &str = "\
xcabBo1q2dN345G6B6xWouBIjwzknSuC0ZnvMzNy2M2dk8CRTUkuy5wLjsmfVgkWfRIZXzbx+rg2oOUt+xdUJjVI/u+KLzXsBvLN\
AxIPAvT2YNERmZPuyi4yaWRZnvGapo8wdHdVJ7MEhcqd49Kfem+5GirEweVyyZeGXGPyhc9AHZ6ORtCp6FWRkC88j8a9zj0OLJfP\
QvNuvMLSifjLPsm/z0hnXDRB6vySue1cjLEQ/2iqZxn/17ZTFgHZC4T8/XLmFhRr93MZx/i/4gMUUHMOjlbVR3pDN0WqxwQGqH9n\
rJ29mKGg2hrxclKJq5nkJIfl0eJFmw/sJH/W0q4BGA==";

fn key() -> ArgumentKey {
    ArgumentKey::from_pem(PKCS8).unwrap()
}

/// Decrypts with `key` and reads the result back.
fn decrypted(key: &ArgumentKey, arguments: &Value) -> Option<Value> {
    key.decrypt_arguments(&arguments.to_string()).map(|text| serde_json::from_str(&text).unwrap())
}

/// `text` as Vapi would send it to the owner of the key above.
fn encrypt(text: &[u8]) -> String {
    let pkcs8 = pem::pkcs8(PKCS8).unwrap();
    encrypt_for(&PrivateDecryptingKey::from_pkcs8(&pkcs8).unwrap(), text)
}

fn encrypt_for(key: &PrivateDecryptingKey, text: &[u8]) -> String {
    let public = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
    let mut block = vec![0; public.ciphertext_size()];
    BASE64.encode(public.encrypt(&OAEP_SHA256_MGF1SHA256, text, &mut block, None).unwrap())
}

#[test]
fn what_openssl_encrypted_is_read_with_either_form_of_the_key() {
    for pem in [PKCS8, PKCS1] {
        let key = ArgumentKey::from_pem(pem).unwrap();
        assert_eq!(decrypted(&key, &json!({ "ssn": ENCRYPTED })), Some(json!({ "ssn": "123-45-6789" })));
    }
}

#[test]
fn a_key_made_elsewhere_is_read_and_opens_nothing_of_others() {
    let made = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = made.as_der().unwrap();
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\r\n{}\r\n-----END PRIVATE KEY-----\r\n", BASE64.encode(der.as_ref()));
    let key = ArgumentKey::from_pem(&pem).unwrap();
    let mine = encrypt_for(&made, "grüezi".as_bytes());
    let arguments = json!({ "mine": mine, "other": ENCRYPTED });
    assert_eq!(decrypted(&key, &arguments), Some(json!({ "mine": "grüezi", "other": ENCRYPTED })));
}

#[test]
fn texts_are_found_at_any_depth_and_the_rest_stays_as_it_was() {
    let arguments = json!({
        "b": 1.5, "a": { "list": ["x", ENCRYPTED, { "deep": ENCRYPTED }], "none": null },
        "big": 18_446_744_073_709_551_615_u64,
        "unpadded": ENCRYPTED.trim_end_matches('='),
    });
    let plain = json!({
        "b": 1.5, "a": { "list": ["x", "123-45-6789", { "deep": "123-45-6789" }], "none": null },
        "big": 18_446_744_073_709_551_615_u64,
        "unpadded": "123-45-6789",
    });
    // Compared as text: the order of the fields is kept too.
    assert_eq!(key().decrypt_arguments(&arguments.to_string()), Some(plain.to_string()));
}

#[test]
fn what_is_not_encrypted_for_us_changes_nothing() {
    let unchanged = |arguments: &Value| assert_eq!(decrypted(&key(), arguments), None);
    unchanged(&json!({}));
    unchanged(&json!({ "name": "x".repeat(1000) }));
    unchanged(&json!({ "random": BASE64.encode(&[7; 256]) }));
    unchanged(&json!({ "too_short": BASE64.encode(&[7; 255]), "too_long": BASE64.encode(&[7; 257]) }));
    unchanged(&json!({ "no_base64": "*".repeat(344) }));
    unchanged(&json!({ "binary": encrypt(&[0xff, 0xfe]) }));
    let mut names = serde_json::Map::new();
    names.insert(ENCRYPTED.to_owned(), json!(1));
    unchanged(&Value::Object(names));
    assert_eq!(key().decrypt_arguments(&format!("{{{ENCRYPTED}")), None);
    assert_eq!(key().decrypt_arguments(&"[".repeat(100_000)), None);
}

#[test]
fn json_inside_stays_a_text() {
    let arguments = json!({ "card": encrypt(br#"{"number":"4242"}"#), "empty": encrypt(b"") });
    assert_eq!(decrypted(&key(), &arguments), Some(json!({ "card": r#"{"number":"4242"}"#, "empty": "" })));
}

#[test]
fn paths_narrow_where_it_looks() {
    let key = key().only_at(vec!["who.ssn".to_owned(), "cards.number".to_owned()]);
    let arguments = |ssn: &str, number: &str| {
        let who = json!({ "ssn": ssn, "x": ENCRYPTED });
        json!({ "ssn": ENCRYPTED, "who": who, "cards": [{ "number": number }] })
    };
    let plain = arguments("123-45-6789", "123-45-6789");
    assert_eq!(decrypted(&key, &arguments(ENCRYPTED, ENCRYPTED)), Some(plain));
    assert_eq!(decrypted(&key, &json!({ "ssn": ENCRYPTED })), None);
}

#[test]
fn only_so_many_texts_are_tried() {
    let arguments = json!({ "all": vec![ENCRYPTED; TEXTS_MAX + 1] });
    let mut plain = vec!["123-45-6789"; TEXTS_MAX];
    plain.push(ENCRYPTED);
    assert_eq!(decrypted(&key(), &arguments), Some(json!({ "all": plain })));
}

#[test]
fn anything_but_a_private_rsa_key_is_refused_with_a_remedy() {
    let refused = |pem: &str| ArgumentKey::from_pem(pem).unwrap_err();
    let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    assert_eq!(refused(""), KeyError::NotPem);
    assert_eq!(refused("MIIEvQIBADAN"), KeyError::NotPem);
    assert_eq!(refused("-----BEGIN "), KeyError::NotPem);
    assert_eq!(refused(&block("PUBLIC KEY")), KeyError::Public);
    assert_eq!(refused(&block("ENCRYPTED PRIVATE KEY")), KeyError::Encrypted);
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----";
    assert_eq!(refused(old), KeyError::Encrypted);
    assert_eq!(refused(&block("EC PRIVATE KEY")), KeyError::OtherKind { label: "EC PRIVATE KEY".to_owned() });
    assert_eq!(refused(&block("PRIVATE KEY")), KeyError::Rejected);
    assert_eq!(refused(&block("RSA PRIVATE KEY")), KeyError::Rejected);
    let damaged = KeyError::Damaged { label: "PRIVATE KEY".to_owned() };
    assert_eq!(refused(&PKCS8.replace("-----END", "-END")), damaged);
    assert_eq!(refused(&PKCS8.replacen("MII", "M*I", 1)), damaged);
    assert_eq!(refused(&PKCS8.replacen("MII", "MIJ", 1)), KeyError::Rejected);
}

#[test]
fn the_key_is_not_shown() {
    assert_eq!(format!("{:?}", key()), "ArgumentKey { paths: [], .. }");
}
