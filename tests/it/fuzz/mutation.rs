//! Makes inputs of other inputs, the same ones each time.

/// What is put between two bytes, because readers look for it.
const TOKENS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"=",
    b"&",
    b"%00",
    b"%ff",
    b";",
    b"/",
    b"//",
    b"@",
    b"?",
    b"#",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b"\xc3\xbc",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"null",
    b"true",
    b"NaN",
    b"-Infinity",
    b"0",
    b"-1",
    b"1e400",
    b"9223372036854775808",
    b"{}",
    b"[]",
    b"\"\"",
    b"\"values\":",
    b"\"type\":",
    b"\"length\":",
    b"\"frames\":",
    b"\"timestamp\":",
    b"{{auto}}",
    b"{{ default }}",
    b"%s",
    b"%(a)s",
    b"http://",
    b"file:",
    b"password",
    b"sentry_key",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
];

/// Makes inputs of other inputs.
pub(super) struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutator<'a> {
    /// Of these inputs.
    pub(super) fn new(seeds: &'a [Vec<u8>]) -> Self {
        Self { seeds, state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// The next input: a seed with one to eight changes.
    pub(super) fn next(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let (from, to) = self.range(input.len());
        match self.below(7) {
            0 if from < input.len() => input[from] ^= 1 << self.below(8),
            1 if from < input.len() => input[from] = u8::try_from(self.below(256)).unwrap(),
            2 => {
                input.drain(from..to);
            }
            3 => {
                let again = input[from..to].to_vec();
                input.splice(from..from, again);
            }
            4 => input.truncate(to),
            5 => {
                let other = self.seed();
                let (other_from, other_to) = self.range(other.len());
                input.splice(from..to, other[other_from..other_to].iter().copied());
            }
            _ => {
                let token = TOKENS[self.below(TOKENS.len())];
                input.splice(from..from, token.iter().copied());
            }
        }
    }

    fn seed(&mut self) -> &'a [u8] {
        let seeds = self.seeds;
        &seeds[self.below(seeds.len())]
    }

    /// A range within a length; short ones are as likely as long ones.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        let longest = (length - from) >> self.below(8);
        (from, from + self.below(longest + 1))
    }

    /// A number below another one (xorshift).
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % end as u64).unwrap()
    }
}
