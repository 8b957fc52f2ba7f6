//! Prints the document that describes the API; `cargo xtask schema` keeps it.
#![expect(clippy::print_stdout, reason = "printing is all that it does")]

fn main() -> Result<(), String> {
    println!("{}", syncmgr_center::document()?);
    Ok(())
}
