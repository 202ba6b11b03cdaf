//! States of an account.

use super::{Connection, Passkey, RecoveryCodes, RecoveryState, Security, Session, TotpSetup};
use crate::gallery::Sample;
use crate::pages::Provider;
use crate::parts::{Problems, QrCode, Secret};
use crate::sample::{self, minutes_ago};

fn session(client: &str, is_current: bool) -> Session {
    Session {
        client: client.to_owned(),
        address: Some("198.51.100.17".to_owned()),
        since: minutes_ago(12_000),
        seen: minutes_ago(95),
        is_current,
    }
}

fn passkey(id: i64, name: &str) -> Passkey {
    Passkey {
        id,
        name: name.to_owned(),
        created: minutes_ago(200_000),
        used: Some(minutes_ago(50)),
        is_passwordless: id == 1,
    }
}

fn connection(name: Option<&str>, account: &str) -> Connection {
    Connection {
        provider: "corporate".to_owned(),
        name: name.map(str::to_owned),
        uid: "00u1a2b3c".to_owned(),
        account: account.to_owned(),
        since: minutes_ago(300_000),
        used: minutes_ago(95),
    }
}

fn provider(name: &str) -> Provider {
    Provider { id: "github".to_owned(), name: name.to_owned() }
}

pub(super) fn security() -> Vec<Sample<Security>> {
    let usual = Security {
        has_password: true,
        app_since: Some(minutes_ago(90_000)),
        recovery: Some(RecoveryState { left: 8, made: 10 }),
        passkeys: vec![
            passkey(1, "Laptop"),
            Passkey { used: None, is_passwordless: false, ..passkey(2, "Blue key") },
        ],
        sessions: vec![
            session("Firefox 145 on Linux", true),
            Session { address: None, ..session("Safari on iPhone", false) },
            session("curl", false),
        ],
        connections: vec![
            connection(Some("Example SSO"), "ada@example.com"),
            connection(None, "ada-lovelace"),
        ],
        providers: vec![provider("GitHub")],
        ..Security::default()
    };
    vec![
        Sample {
            name: "empty",
            page: Security {
                sessions: vec![session("Firefox 145 on Linux", true)],
                ..Security::default()
            },
        },
        Sample { name: "typical", page: usual.clone() },
        Sample {
            name: "refused",
            page: Security {
                password_problems: Problems::none()
                    .with("current_password", "This is not your password.")
                    .with("password_again", "The two passwords are not the same."),
                passkey_problems: Problems::general("The passkey could not be added."),
                ..usual.clone()
            },
        },
        Sample {
            name: "hostile",
            page: Security {
                blocked: Some(format!("Confirm {} first.", sample::MARKUP)),
                recovery: Some(RecoveryState { left: 0, made: 10 }),
                passkeys: vec![
                    passkey(1, sample::MARKUP),
                    passkey(2, sample::LONG),
                    passkey(3, sample::RIGHT_TO_LEFT),
                ],
                connections: vec![
                    connection(Some(sample::MARKUP), sample::LONG),
                    connection(None, sample::RIGHT_TO_LEFT),
                ],
                providers: vec![provider(sample::LONG), provider(sample::MARKUP)],
                sessions: vec![
                    session(sample::MARKUP, true),
                    session(sample::LONG, false),
                    session(sample::RIGHT_TO_LEFT, false),
                ],
                ..usual
            },
        },
    ]
}

/// A drawing as the `qrcode` crate makes it; its squares say nothing.
fn qr() -> Option<QrCode> {
    let mut squares = String::new();
    let mut state: u32 = 7;
    for y in 4..41 {
        for x in 4..41 {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            let corner = |a: u32, b: u32| a < 11 && b < 11;
            let (far_x, far_y) = (44 - x, 44 - y);
            let corners = [(x, y), (far_x, y), (x, far_y)];
            let in_corner = corners.into_iter().find(|(a, b)| corner(*a, *b));
            let is_dark = match in_corner {
                Some((a, b)) => {
                    let (a, b) = (a - 4, b - 4);
                    let ring = a.min(6 - a).min(b.min(6 - b));
                    ring != 1
                }
                None => state & 0x1_0000 != 0,
            };
            if is_dark {
                squares.push_str(&format!("M{x} {y}h1v1H{x}V{y}"));
            }
        }
    }
    QrCode::parse(&format!("<svg viewBox=\"0 0 45 45\"><path d=\"{squares}\"/></svg>"))
}

pub(super) fn totp_setup() -> Vec<Sample<TotpSetup>> {
    let usual = TotpSetup {
        qr: qr(),
        secret: Secret::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
        problems: Problems::none(),
    };
    vec![
        Sample { name: "typical", page: usual.clone() },
        Sample { name: "without-picture", page: TotpSetup { qr: None, ..usual.clone() } },
        Sample {
            name: "refused",
            page: TotpSetup {
                problems: Problems::none()
                    .with("code", "This code is not right. Is your phone's clock right?"),
                ..usual.clone()
            },
        },
        Sample {
            name: "hostile",
            page: TotpSetup {
                secret: Secret::new(sample::MARKUP),
                problems: Problems::general(sample::MARKUP).with("code", sample::LONG),
                ..usual
            },
        },
    ]
}

pub(super) fn recovery_codes() -> Vec<Sample<RecoveryCodes>> {
    let codes = (0..10_u32).map(|place| Secret::new(format!("{:08}", place * 7_654_321 + 1_234)));
    vec![
        Sample { name: "typical", page: RecoveryCodes { codes: codes.collect() } },
        Sample {
            name: "hostile",
            page: RecoveryCodes { codes: vec![Secret::new(sample::MARKUP); 3] },
        },
    ]
}
