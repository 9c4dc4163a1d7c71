/// A picture's mask to try things on, `[height, width]`, 0 or 1.
package struct SampleMask: Sendable, CustomStringConvertible {
    package let width: Int
    package let height: Int
    package let pixels: [UInt8]

    package var description: String { "\(width) x \(height): " + pixels.map(String.init).joined() }

    private init(width: Int, height: Int, _ isIn: (Int, Int) -> Bool) {
        self.width = width
        self.height = height
        pixels = (0..<width * height).map { isIn($0 % width, $0 / width) ? 1 : 0 }
    }

    /// Drawn by hand, `#` is in: what is awkward.
    private init(_ rows: String...) {
        let signs = rows.map(Array.init)
        self.init(width: signs[0].count, height: rows.count) { signs[$1][$0] == "#" }
    }

    /// Single pixels, lines of one pixel, empty and full pictures, holes in holes, parts and holes that meet
    /// diagonally, inside and with the outside.
    package static let awkward: [SampleMask] = [
        SampleMask("#"), SampleMask("."), SampleMask("#.#.##"), SampleMask("..."), SampleMask("#####"),
        SampleMask("...", ".#.", "..."), SampleMask("###", "###"), SampleMask("....", "...."),
        SampleMask("#..", ".#.", "..#"), SampleMask("..#", ".#.", "#.."), SampleMask("#.#", ".#.", "#.#"),
        SampleMask("###", "#.#", "###"), SampleMask("###", "#.#", ".##"), SampleMask(".##", "#.#", "###"),
        SampleMask("#####", "#.#.#", "#####", "##.##", "#####"),
        SampleMask("#####", "#.###", "##.##", "###.#", "#####"),
        SampleMask("#####", "###.#", "##.##", "#.###", "#####"),
        SampleMask("#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"),
        SampleMask("########", "#......#", "#.#.##.#", "#......#", "########", "#.##.#.#", "########"),
        SampleMask("#########", "#.#.#.#.#", "#########", "#...###.#", "#########", "###.###.#", "#########"),
        SampleMask(".#.#.#.#", "#.#.#.#.", ".#.#.#.#"), SampleMask("##..", "#.#.", ".#.#", "..##"),
        SampleMask("#......", "#.###..", "#.#.#..", "#.#####", "#...#.#", "#######"),
    ]

    /// Pictures of many sizes: noise of every density, discs and what discs leave.
    package static func random(_ count: Int, seed: UInt64, side: Int) -> [SampleMask] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { number in
            let width = Int.random(in: 1...side, using: &random)
            let height = Int.random(in: 1...side, using: &random)
            if number % 2 == 0 {
                let share = [1, 5, 20, 40, 50, 60, 80, 95, 99].randomElement(using: &random) ?? 50
                let noise = (0..<width * height).map { _ in Int.random(in: 0..<100, using: &random) < share }
                return SampleMask(width: width, height: height) { noise[$1 * width + $0] }
            }
            let discs = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                (
                    x: Int.random(in: 0..<width, using: &random), y: Int.random(in: 0..<height, using: &random),
                    radius: Int.random(in: 0...max(1, side / 3), using: &random), isIn: Bool.random(using: &random)
                )
            }
            let ground = Bool.random(using: &random)
            return SampleMask(width: width, height: height) { x, y in
                discs.last { ($0.x - x) * ($0.x - x) + ($0.y - y) * ($0.y - y) <= $0.radius * $0.radius }?.isIn
                    ?? ground
            }
        }
    }
}
