import FoundationEssentials
import Images
import RPC
import Support
import Testing

/// `mask` at other sizes than the square that a model was trained on, and of pictures of unusual sizes.
@Suite struct SizeTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    private let picture: String

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        picture = "\(place.path)/pond.jpg"
        try copy(Repository.picture, to: picture)
    }

    private struct Told: Decodable {
        let settings: [String]?
        let notes: [String]?
    }

    @Test func `what the size takes is said before it is looked at, or in the JSON`() throws {
        let plain = try daemon.dseg(["mask", picture, "boat"])
        #expect(plain.code == 0 && !plain.errors.contains("note:"), "\(plain.errors)")
        let larger = try daemon.dseg(["mask", picture, "boat", "--force", "--detail", "2"])
        #expect(larger.code == 0 && larger.errors.hasPrefix("dseg: note: the picture is read at "), "\(larger.errors)")
        #expect(larger.errors.contains(" of affinity are kept, "))
        let local = try run([
            Repository.dsegd, "mask", picture, "boat", "--force", "--grid", "aspect", "--detail", "3", "--json",
        ])
        #expect(local.code == 0 && !local.errors.contains("note:"), "\(local.errors)")
        let told = try JSONDecoder().decode(Told.self, from: Data(local.output))
        #expect(told.settings == ["detail=3.0"], "the recipe's own grid is not told")
        #expect(told.notes?.count == 1 && told.notes?[0].contains(" tiles: ") == true)
    }

    @Test func `sizes that are none are refused with what is legal`() throws {
        for (arguments, part) in [
            (["--grid", "100x96"], "multiples of"), (["--grid", "0x0"], "WIDTHxHEIGHT"),
            (["--grid", "512X512"], "WIDTHxHEIGHT"), (["--grid", "8192x8192"], "limit"),
            (["--detail", "0.5"], "from 1 to 4"), (["--detail", "nan"], "from 1 to 4"),
            (["--detail", "5"], "from 1 to 4"), (["--detail", "1e9"], "from 1 to 4"),
            (["--grid", "aspect", "--set", "grid=square"], "grid is set twice"),
        ] {
            let ending = try daemon.dseg(["mask", picture, "boat"] + arguments)
            #expect(ending.code != 0 && ending.errors.contains(part), "\(arguments): \(ending.errors)")
        }
        #expect(try place.names == ["pond.jpg"])
        #expect(try daemon.client().health())
    }

    /// Too large a file for the daemon to keep, brought by Look.
    @Test func `a picture that is sent ahead is read as it is asked for`() throws {
        var generator = SeededGenerator(seed: 3)
        let noise = generator.bytes(1600 * 1400 * 3)
        let large = "\(place.path)/large.png"
        try write(PNGFile(width: 1600, height: 1400, .rgb(noise), texts: []).encoded(), to: large)
        try #require(bytes(large).count > 6 << 20)
        for settings in [["--grid", "aspect"], ["--set", "resize=nearest"], ["--detail", "2.5"], []] {
            let ending = try daemon.dseg(["mask", large, "boat", "--force"] + settings)
            #expect(ending.code == 0, "\(settings): \(ending.errors)")
            let mask = try IndexPicture(at: "\(place.path)/large.mask.png").indices
            let local = try run([Repository.dsegd, "mask", large, "boat", "--force"] + settings)
            #expect(local.code == 0, "\(settings): \(local.errors)")
            #expect(try IndexPicture(at: "\(place.path)/large.mask.png").indices == mask)
        }
    }

    @Test(arguments: ["f32", "int16"]) func `no number of threads changes an answer`(precision: String) throws {
        for settings in [["grid=aspect"], ["detail=2"], ["grid=aspect", "detail=2.5"]] {
            let hashes = try ["1", "2"].map { threads in
                let daemon = try Daemon("--precision", precision, "--threads", threads)
                return try ["best", "diffsegmenter"].map { recipe in
                    try daemon.client().scores(
                        SegmentRequest(
                            picture: .image(bytes(picture)), labels: [Label(name: "boat"), Label(name: "sheep")],
                            recipe: recipe, settings: settings)
                    ).hash
                }
            }
            #expect(hashes[0] == hashes[1] && Set(hashes[0]).count == 2)
        }
    }
}
