import Glibc
import RPC
import Support
import Testing

struct PathTextTests {
    @Test func `every name has a text of its own, from which it comes back`() {
        var generator = SeededGenerator(seed: 7)
        var texts: [String: [UInt8]] = [:]
        let marks: [[UInt8]] = [
            [0xCC, 0x81], [0xF4, 0x8F, 0xBE, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0x2F], [0xC3, 0xA9],
        ]
        for _ in 0..<2000 {
            let parts = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? marks[Int.random(in: 0..<marks.count, using: &generator)]
                    : [UInt8.random(in: 1...255, using: &generator)]
            }
            let name = parts.flatMap(\.self)
            let text = PathText.text(of: name)
            #expect(PathText.name(of: text) == name)
            let given = unsafe PathText.withName(of: text) { start in
                (0...name.count).map { unsafe UInt8(bitPattern: start[$0]) }
            }
            #expect(given == name + [0])
            let (directory, last) = PathText.split(text)
            #expect(PathText.name(of: directory) + PathText.name(of: last) == name)
            #expect(!PathText.name(of: last).contains(0x2F))
            texts[text] = texts[text] ?? name
        }
        #expect(PathText.text(of: Array("naïve 日本".utf8)) == "naïve 日本")
        #expect(!PathText.isUnicode(PathText.text(of: [0x80])))
    }

    @Test func `a link's target is read as it stands`() {
        let link = "/tmp/dseg-\(UInt64.random(in: 0...UInt64.max))"
        for name in [Array("../a b".utf8), [0x2F, 0xE9, 0xFF], [UInt8](repeating: 0x6E, count: 4000)] {
            let text = PathText.text(of: name)
            let code = unsafe PathText.withName(of: text) { target in
                unsafe PathText.withName(of: link) { unsafe symlink(target, $0) }
            }
            #expect(code == 0)
            #expect(PathText.target(ofLink: link) == text)
            _ = unsafe unlink(link)
        }
        #expect(PathText.target(ofLink: link) == nil && errno == ENOENT)
        #expect(PathText.target(ofLink: "/") == nil && errno == EINVAL)
    }
}
