//! Proves who somebody is: passwords, second factors, passkeys, sign-in providers.
