//! Runs the example of every field.

mod common;

use tracehound_fields::{catalogue, print, resolve};

#[test]
fn every_example_holds() {
    for field in catalogue::all() {
        // Comparisons are run by the rules.
        let Some(example) = field.example.filter(|example| !example.is_comparison) else { continue };
        let name = format!("{}{}", field.name, example.arg);
        let text = common::at_last(example.trace, |view| print::text(view, &resolve(&name).unwrap()).to_string());
        assert_eq!(text, example.value, "{name} of {}", example.trace);
    }
}
