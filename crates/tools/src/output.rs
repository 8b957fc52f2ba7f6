#[derive(Default)]
pub struct Tail;
pub const TAIL_MAX_BYTES: usize = 64 << 10;
impl Tail {
    pub fn text(&self) -> String {
        String::new()
    }
}
