//! Writes the inputs that each fuzzer begins with to `corpus/TARGET/`, beside what it found before.

use std::fs;
use std::io;
use std::path::Path;

use aftertrace_fuzz::properties::ALL;

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for property in ALL {
        let folder = corpus.join(property.name);
        fs::create_dir_all(&folder)?;
        let seeds = (property.seeds)();
        for (index, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{index:03}")), seed)?;
        }
        println!("{}: {} seeds", property.name, seeds.len());
    }
    Ok(())
}
