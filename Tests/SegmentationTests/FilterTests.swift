import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

private func refusal(_ name: String, _ settings: [String]) -> String {
    let error = #expect(throws: SegmentationError.self) { try Filter(named: name, settings: settings) }
    return "\(error, default: "")"
}

@Suite struct `a filter` {
    @Test func `is found by its name, by its bytes, and none means best`() throws {
        for filter in Filter.all { #expect(try Filter(named: filter.name) == filter && filter.settings.isEmpty) }
        #expect(try Filter(named: "") == .best)
        #expect(Set(Filter.all.map(\.name)).count == Filter.all.count)
        for name in ["none", "Best", "be\u{301}st", "published "] {
            let text = refusal(name, [])
            #expect(text.contains(name) && text.contains("best, published"), "\(text)")
        }
    }

    /// Legal values of each key, some for a filter with patches alone.
    private static let values: [String: [String]] = [
        "caption": ["0.8", "-1", "1", "0.25", "off"], "picture": ["0", "0.5", "1", "off"], "synonyms": ["on", "off"],
        "patches": ["hidden", "values", "model", "off"], "threshold": ["0", "0.3", "1", "model"],
        "lower": ["0.1", "model", "off"], "least": ["0", "0.5", "1", "model"],
    ]
    private static let ofPatches = ["threshold", "lower", "least"]

    @Test func `has each value that a setting gives it, and says the settings that make it again`() throws {
        #expect(Set(Filter.parameters.map(\.key)) == Set(Self.values.keys))
        for filter in Filter.all {
            for parameter in Filter.parameters {
                for value in Self.values[parameter.key] ?? [] {
                    // What keeps the filter from being empty.
                    let other = parameter.key == "caption" ? "synonyms=on" : "caption=0.5"
                    let patches = Self.ofPatches.contains(parameter.key) ? ["patches=hidden"] : []
                    let settings = ["\(parameter.key)=\(value)", other] + patches
                    let changed = try Filter(named: filter.name, settings: settings)
                    if value == "off" || !value.contains(where: \.isNumber) {
                        #expect(parameter.value(in: changed) == value)
                    } else {
                        #expect(Float(parameter.value(in: changed)) == Float(value))
                    }
                    #expect(try Filter(named: filter.name, settings: settings.reversed()) == changed, "in any order")
                    #expect(try Filter(named: filter.name, settings: changed.settings) == changed)
                }
            }
        }
    }

    @Test func `without patches has nothing of them`() throws {
        let off = try Filter(named: "best", settings: ["patches=off", "caption=.5"])
        #expect(off.patches == nil && off.readsCaption)
        #expect(try Filter(named: "published", settings: ["threshold=none", "lower=none", "least=none"]) == .published)
        for key in Self.ofPatches {
            let text = refusal("published", ["\(key)=0.5"])
            #expect(
                text.contains("\(key)=\"0.5\" is not legal") && text.contains("none where patches are off"), "\(text)")
        }
    }

    @Test func `with no part left is refused with what to do`() {
        let text = refusal("published", ["caption=off", "picture=off", "synonyms=off"])
        #expect(text.contains("published") && text.contains("leave one on"), "\(text)")
        #expect(refusal("best", ["patches=off"]).contains("without a filter"))
    }

    @Test(arguments: [
        "caption", "caption=", "caption=1.5", "caption=-2", "caption=nan", "caption=0x1", "caption=model", "picture=2",
        "picture=-0.1", "synonyms=yes", "patches=on", "patches=Hidden", "threshold=1.1", "threshold=inf",
        "threshold=off", "lower=-1", "least=off", "least=-0.5", "Caption=0.5", "softmax=joint", "=", "",
    ])
    func `is not made of a setting that is not legal, and says what is`(setting: String) {
        let text = refusal("best", [setting])
        let parts = setting.split(separator: "=", omittingEmptySubsequences: false)
        if parts.count == 2, let parameter = Filter.parameters.first(where: { $0.key == parts[0] }) {
            #expect(text.contains("\"\(parts[1])\"") && text.contains(parameter.legal), "\(text)")
        } else {
            #expect(text.contains("\"\(setting)\"") && text.contains("caption, picture, synonyms, patches"), "\(text)")
        }
    }

    @Test func `is not made of a key that is set twice`() {
        #expect(refusal("best", ["least=0", "lower=0", "least=0"]).contains("least is set twice"))
    }

    @Test func `asks of a picture and a caption what its parts read`() throws {
        let filter = try DemoWords.filter(.f32)
        #expect(filter.parts(of: .best) == .init(picture: false, patches: .hidden))
        #expect(filter.parts(of: .published) == .init(picture: true, patches: nil))
        let all = try Filter(named: "published", settings: ["patches=values"])
        #expect(filter.parts(of: all) == .init(picture: true, patches: .values))
        #expect(Filter.best.readsCaption && Filter.published.readsCaption)
        #expect(try !Filter(named: "best", settings: ["lower=off"]).readsCaption)
        #expect(try !Filter(named: "published", settings: ["caption=off", "synonyms=off"]).readsCaption)
    }
}
