//! Open files, of which a program needs one for each of its pages.

use freshwire::process::raise_file_limit;

/// Beside those of the pages.
const OTHERS: u64 = 200;

/// Makes sure that this process may hold so many pages, and says what to do where it may not.
pub fn allow_pages(pages: usize) -> Result<(), String> {
    let needed = pages as u64 + OTHERS;
    match raise_file_limit() {
        Some(limit) if limit < needed => Err(format!(
            "{pages} pages need {needed} open files, and this system allows {limit} to a process: raise its hard limit \
             ('ulimit -Hn {needed}' as root) and run this again"
        )),
        _ => Ok(()),
    }
}
