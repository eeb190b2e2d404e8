//! The skips that `test --ci` expects; any other is a failure there.

/// The start of a test's full name, `package/target/test`, and why it cannot run on the machines of
/// the continuous integration.
const EXPECTED: &[(&str, &str)] = &[];

/// Why a skip of this test is expected, if it is.
pub(crate) fn expected(full_name: &str) -> Option<&'static str> {
    EXPECTED.iter().find(|(start, _)| full_name.starts_with(start)).map(|(_, reason)| *reason)
}
