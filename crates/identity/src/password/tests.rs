use mishap_core::random::SeededRandom;

use super::*;

const PASSWORD: &str = "correct horse battery staple";
const UNICODE_PASSWORD: &str = "pässwörd 密码 🔑";

/// What Django 5.2.19 makes of the two passwords; PBKDF2 with fewer iterations than by default.
const FROM_DJANGO: [(&str, &str); 11] = [
    (
        PASSWORD,
        "pbkdf2_sha256$20000$8ZNksjdE2CcC0RkAW8RfUa$Is8AKMM1uTQJ8Q3HECH0+azrKoVa+LQf3IJI0BtqpYs=",
    ),
    (PASSWORD, "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA="),
    (PASSWORD, "pbkdf2_sha1$1000$seasalt$9iRYj0as1r5j+cCBxB+HMlxkyr4="),
    (
        PASSWORD,
        "argon2$argon2id$v=19$m=102400,t=2,p=8$emF6ZVhXTkM3R1JmT3cyWnpNcTZJWA$\
         h/2q8G0Q1XNcGMS4DWVFQAuEZQ9doZ+ADYVtDZmjAzw",
    ),
    (PASSWORD, "bcrypt_sha256$$2b$12$ek5THJdwCdLnXfPH8KYpLeYQ.Otda6O4wRHOK1BWvg9E4NmhZiG1q"),
    (
        PASSWORD,
        "scrypt$16384$wERVnL9OS2Lyx8rqGpVW6m$8$5$\
         qcIdU3TOapi26/4CmKYcXLmI0tYXf1lAM7+P2MFqmkgPJ+OMSFC9KOVv43FciI4i56fbu0K7sXNHzItjV4qwnw==",
    ),
    (UNICODE_PASSWORD, "pbkdf2_sha256$1000$seasalt$1o+Bv7MtS3TvbEF2QdIPOXRIO0DwxCPL9k62Kl1x+Ys="),
    (UNICODE_PASSWORD, "pbkdf2_sha1$1000$seasalt$QtWv93af56zvVV3azvGra95Rd3Y="),
    (
        UNICODE_PASSWORD,
        "argon2$argon2id$v=19$m=102400,t=2,p=8$bWJNQXRUclRYMjJ5NHRsdE1LZVRYWQ$\
         emPl3pDOYRQ64NDQnXpHs15L34xXTGs4fGzMF0gQLIM",
    ),
    (
        UNICODE_PASSWORD,
        "bcrypt_sha256$$2b$12$q5kKnK2/mGRnJSPEpXT7zO6R3kFEKG0Uigbg9ZVpQJrRJubR8sNgi",
    ),
    (
        UNICODE_PASSWORD,
        "scrypt$16384$E8b1R4UtlsCvDqiKa8eEZ3$8$5$\
         jJutqInVDZTidTz++7RkFj62UwpD+v8DFTGAPMB9JeMXO0WePBfD/3vnGG7ioZygCMuEljXIIBq5F624QehEtA==",
    ),
];

fn verify_text(password: &str, stored: &str) -> Verified {
    verify(password, Some(&PasswordHash::from_stored(stored)))
}

#[test]
fn our_hashes_are_salted_and_verify() {
    let random = SeededRandom::new(1);
    let made = hash(PASSWORD, &random).unwrap();
    assert!(made.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", made.as_str());
    assert_ne!(made, hash(PASSWORD, &random).unwrap());
    assert!(made.is_usable());
    assert_eq!(verify(PASSWORD, Some(&made)), Verified::Yes { needs_rehash: false });
    assert_eq!(verify("correct horse battery stapl", Some(&made)), Verified::No);
    assert_eq!(format!("{made:?}"), "PasswordHash(…)");
}

#[test]
fn django_s_hashes_verify_once() {
    for (password, stored) in FROM_DJANGO {
        let hash = PasswordHash::from_stored(stored);
        assert!(hash.is_usable(), "{stored}");
        assert_eq!(verify(password, Some(&hash)), Verified::Yes { needs_rehash: true }, "{stored}");
    }
}

#[test]
fn django_s_hashes_refuse_other_passwords() {
    for (password, stored) in FROM_DJANGO {
        let wrong = format!("{password} ");
        assert_eq!(verify_text(&wrong, stored), Verified::No, "{stored}");
    }
}

#[test]
fn hashes_of_argon2_with_other_parameters_ask_for_a_new_one() {
    let params = Params::new(8 * 1024, 2, 1, None).unwrap();
    let weaker = Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params);
    let stored = weaker.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).unwrap().to_string();
    assert_eq!(verify_text(PASSWORD, &stored), Verified::Yes { needs_rehash: true });
    let other = Argon2::new(Algorithm::Argon2i, argon2::Version::V0x13, Params::default());
    let stored = other.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).unwrap().to_string();
    assert_eq!(verify_text(PASSWORD, &stored), Verified::Yes { needs_rehash: true });
}

#[test]
fn what_is_unusable_never_verifies() {
    for stored in [
        "",
        "!",
        "!mHpXlKOGqlT6jwJgA2VaT34CFURf3xlq6nLpkUBc",
        "correct horse battery staple",
        // A known password in a format that Django no longer writes.
        "md5$seasalt$3e5e7bd9d7fc2f6b9ab1d3c1d3d0fc2e",
        "$",
        "argon2$",
        "argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGtub3dzIGl0IQ",
        "$scrypt$ln=14,r=8,p=1$bm9ib2R5IGtub3dzIGl0IQ$Zq6cEIok11onu2KL9sicEneksd08WlPBKzaezuJ6o+g",
        "pbkdf2_sha256$1000$seasalt$",
        "pbkdf2_sha256$1000$seasalt",
        "pbkdf2_sha256$0$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
        "pbkdf2_sha256$-1$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
        "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=$",
        "bcrypt_sha256$$2b$12$ek5THJdwCdLnXfPH8KYpLe",
        "bcrypt_sha256$$2b$12$ek5THJdwCdLnXfPH8KYpLeYQ.Otda6O4wRHOK1BWvg9E4NmhZi\u{e9}q",
        "scrypt$0$salt$8$1$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
        "scrypt$x$salt$8$1$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
        "scrypt$16383$salt$8$1$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
        "scrypt$16384$salt$0$0$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
    ] {
        let hash = PasswordHash::from_stored(stored);
        assert!(!hash.is_usable(), "{stored}");
        assert_eq!(verify(PASSWORD, Some(&hash)), Verified::No, "{stored}");
    }
    assert_eq!(verify(PASSWORD, None), Verified::No);
}

#[test]
fn what_asks_for_too_much_work_is_not_done() {
    let key = "3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=";
    let output = "Zq6cEIok11onu2KL9sicEneksd08WlPBKzaezuJ6o+g";
    let argon2 = |costs| format!("$argon2id$v=19${costs}$bm9ib2R5IGtub3dzIGl0IQ${output}");
    let bcrypt = "ek5THJdwCdLnXfPH8KYpLeYQ.Otda6O4wRHOK1BWvg9E4NmhZiG1q";
    for (affordable, too_much) in [
        (
            format!("pbkdf2_sha256$5000000$seasalt${key}"),
            format!("pbkdf2_sha256$5000001$seasalt${key}"),
        ),
        (format!("bcrypt_sha256$$2b$15${bcrypt}"), format!("bcrypt_sha256$$2b$16${bcrypt}")),
        (format!("scrypt$131072$s$8$5${key}"), format!("scrypt$262144$s$8$5${key}")),
        (format!("scrypt$16384$s$8$16${key}"), format!("scrypt$16384$s$8$17${key}")),
        (argon2("m=262144,t=2,p=1"), argon2("m=262145,t=2,p=1")),
        (argon2("m=19456,t=10,p=1"), argon2("m=19456,t=11,p=1")),
        (argon2("m=19456,t=2,p=16"), argon2("m=19456,t=2,p=17")),
    ] {
        assert!(PasswordHash::from_stored(&affordable).is_usable(), "{affordable}");
        assert!(!PasswordHash::from_stored(&too_much).is_usable(), "{too_much}");
    }
    let long = format!("pbkdf2_sha256$1000${}${key}", "s".repeat(MAX_HASH_BYTES));
    assert!(!PasswordHash::from_stored(long).is_usable());
}

#[test]
fn passwords_are_bounded() {
    let random = SeededRandom::new(1);
    let longest = "a".repeat(MAX_PASSWORD_BYTES);
    let made = hash(&longest, &random).unwrap();
    assert_eq!(verify(&longest, Some(&made)), Verified::Yes { needs_rehash: false });
    let longer = format!("{longest}a");
    assert_eq!(hash(&longer, &random), Err(UnhashablePassword));
    assert_eq!(verify(&longer, Some(&made)), Verified::No);
}

#[test]
fn nobody_s_password_costs_as_much_as_anybody_s() {
    assert!(Scheme::read(NOBODY).unwrap().is_current());
}
