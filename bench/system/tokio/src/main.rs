// The system benchmarks' Tokio: the current-thread runtime for one worker, the multi-thread one for
// more. CELL WORKERS COUNT on the command line, the cell's figures on one line.

mod dns;
mod files;
mod process;
mod run;
mod udp;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let known = [files::cells(), udp::cells(), process::cells(), dns::cells()].concat();
    let cell = arguments.get(1).and_then(|name| known.iter().find(|(known, _)| known == name));
    let numbers: Vec<usize> = arguments.iter().skip(2).flat_map(|text| text.parse()).collect();
    if cell.is_none() || numbers.len() != 2 {
        eprintln!("usage: system_tokio CELL WORKERS COUNT");
        std::process::exit(2);
    }
    let figures = cell.unwrap().1(numbers[0], numbers[1]);
    let texts: Vec<String> = figures.iter().map(|figure| format!("{:.4}", figure)).collect();
    println!("{}", texts.join(" "));
    std::process::exit(0);
}
