import RPC
@testable import Segmentation
import Server
import Testing

/// What a request may set of a recipe, and how it is told back.
struct SettingTests {
    private static func recipe(_ name: String, _ settings: [String]) throws -> Recipe {
        try SegmentationRequest(
            SegmentRequest(picture: .handle("h"), labels: [RPC.Label(name: "dog")], recipe: name, settings: settings)
        ).recipe
    }

    private static func refusal(_ settings: [String]) throws -> RPCStatus {
        try #require(throws: RPCStatus.self) { try recipe("best", settings) }
    }

    private static let illegal = [
        "grid": [
            "", "Square", "512", "512x", "x512", "512X512", "512x512x1", "0x0", "7x8", "8193x8", "-8x8", "8.0x8",
            " 8x8",
            "99999999999999999999x8", "off",
        ],
        "detail": ["", "0.5", "0.99", "4.01", "5", "1e9", "-1", "nan", "inf", "0x1p0", " 2", "off"],
        "resize": ["", "Bilinear", "bicubic", "on", " nearest"],
        "gamma": ["", "-1", "65", "1.0", "1e1", " 1", "+1", "0x1", "\u{663}", "OFF", "99999999999999999999"],
        "colour": ["", "0", "0.0099", "10.1", "-0.2", "nan", "inf", "0x1p-2", "0.2,0.1", " 0.2", "on"],
        "rounds": ["", "-1", "17", "1.5", "1,1", "off"],
        "weights": [
            "", "0", "0,0,0", "1,", ",1", "1.1", "-0.1,1", "nan", "1;1", "0.3, 0.5", "1,1,1,1,1,1,1,1,1", "off",
        ],
        "edges": ["", "ON", "yes", "1", "on "], "softmax": ["", "Joint", "on", "own,joint", " own"],
    ]

    private static let legal = [
        "grid": ["square", "aspect", "8x8192", "512x768", "0512x8"], "detail": ["1", "1.5", "4", "2e0"],
        "resize": ["bilinear", "nearest"],
        "gamma": ["0", "1", "08", "64", "off"], "colour": ["0.01", "0.2", "2e-1", "10", "off"],
        "rounds": ["0", "1", "02", "16"], "weights": ["1", "0.3,0.5,0.2", "5e-1,.5", "0,0,0,0,0,0,0,1"],
        "edges": ["on", "off"], "softmax": ["own", "joint"],
    ]

    @Test(arguments: RecipeSetting.all.map(\.key))
    func `every illegal value is refused with the legal ones`(key: String) throws {
        let setting = try #require(RecipeSetting.all.first { $0.key == key })
        for value in try #require(Self.illegal[key]) {
            let status = try Self.refusal(["\(key)=\(value)"])
            #expect(status.code == .invalidArgument)
            #expect(status.message.contains("\(key)=\"\(value)\""), "\(status.message)")
            #expect(status.message.contains(setting.legal), "\(status.message)")
        }
    }

    @Test(arguments: ["", "gamma", "=1", "Gamma=1", " gamma=1", "depth=1", "gamma\u{301}=1"])
    func `what is no setting is refused with those that are`(text: String) throws {
        let status = try Self.refusal([text])
        #expect(status.code == .invalidArgument)
        for key in RecipeSetting.all.map(\.key) { #expect(status.message.contains(key), "\(status.message)") }
    }

    @Test(arguments: legal.keys.sorted())
    func `a key is set once`(key: String) throws {
        let values = try #require(Self.legal[key])
        for other in [values[0], values[1]] {
            let status = try Self.refusal(["\(key)=\(values[0])", "\(key)=\(other)"])
            #expect(status.code == .invalidArgument)
            #expect(status.message.contains("\(key) is set twice"), "\(status.message)")
        }
    }

    /// A value for each key, all values of each key in turn. Where each label has a pass, one softmax is no value.
    private static func together(_ recipe: Recipe) -> [[String]] {
        (0..<20).map { turn in
            legal.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value[turn % $0.value.count])" }
                .filter { recipe.forwardPrompt != nil || $0 != "softmax=joint" }
        }
    }

    @Test(arguments: Recipe.all)
    func `a recipe does not depend on the order of its settings`(recipe: Recipe) throws {
        for settings in Self.together(recipe) {
            let changed = try Self.recipe(recipe.name, settings)
            for turn in settings.indices {
                #expect(try Self.recipe(recipe.name, Array(settings[turn...] + settings[..<turn])) == changed)
            }
            #expect(try Self.recipe(recipe.name, settings.reversed()) == changed)
        }
    }

    @Test(arguments: Recipe.all)
    func `what is told back makes the same recipe`(recipe: Recipe) throws {
        #expect(try Self.recipe(recipe.name, []) == recipe && recipe.settings.isEmpty)
        let together = Self.together(recipe)
        for settings in together + together.flatMap({ $0.map { [$0] } }) {
            let changed = try Self.recipe(recipe.name, settings)
            #expect(try Self.recipe(recipe.name, changed.settings) == changed)
            #expect(changed.settings.count <= settings.count)
        }
        let own = RecipeSetting.all.map { "\($0.key)=\($0.value(in: recipe))" }.filter { !$0.contains(" or ") }
        #expect(own.count >= RecipeSetting.all.count - 1)
        #expect(try Self.recipe(recipe.name, own) == recipe, "its own values change nothing")
    }
}
