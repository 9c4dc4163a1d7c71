import FoundationEssentials
import Images
import Kernels
import Networks
import Segmentation
import Support
import Testing

/// What `best_numpy.py` makes of pictures and maps (`Fixtures/best/make_best_kernels.py`).
private struct KernelGoldens {
    struct Case: Decodable {
        let kernel: String
        let name: String
        let radius: Int?
        let eps: Float?
        let height: Int?
        let width: Int?
        let sigmaColour: Float?
        let sigmaPosition: Float?

        private enum CodingKeys: String, CodingKey {
            case kernel, name, radius, eps, height, width
            case sigmaColour = "sigma_colour"
            case sigmaPosition = "sigma_position"
        }
    }

    private struct List: Decodable {
        let cases: [Case]
    }

    let cases: [Case]
    private let file: TensorFile

    /// - Parameter count: how many cases of the kernel there are
    init(of kernel: String, count: Int) throws {
        let path = "\(Repository.root)/Tests/Fixtures/best/kernels"
        file = try TensorFile(path: "\(path).safetensors")
        let list = try JSONDecoder().decode(List.self, from: Data(Repository.bytes("\(path).json")))
        cases = list.cases.filter { $0.kernel == kernel }
        try #require(cases.count == count)
    }

    func numbers(_ name: String, of golden: Case) throws -> [Float] {
        try file.values(of: "\(golden.kernel).\(golden.name).\(name)")
    }

    func picture(_ name: String, of golden: Case) throws -> Guide {
        let tensor = "\(golden.kernel).\(golden.name).\(name)"
        let shape = try #require(file.header.tensors.first { $0.name == tensor }).shape
        return Guide(width: shape[1], height: shape[0], samples: try file.bytes(of: tensor))
    }

    func shape(of name: String, _ golden: Case) throws -> [Int] {
        try #require(file.header.tensors.first { $0.name == "\(golden.kernel).\(golden.name).\(name)" }).shape
    }
}

@Suite struct `kernels that see the picture` {
    private func distance(_ found: [Float], _ expected: [Float]) throws -> Float {
        try #require(found.count == expected.count && !found.isEmpty)
        return zip(found, expected).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
    }

    @Test func `filter maps along its edges as the definition does`() throws {
        let goldens = try KernelGoldens(of: "guided", count: 13)
        for golden in goldens.cases {
            let guide = try goldens.picture("guide", of: golden)
            let filter = GuidedFilter(
                guide: guide.samples, width: guide.width, height: guide.height, radius: try #require(golden.radius),
                epsilon: try #require(golden.eps))
            let maps = try goldens.numbers("maps", of: golden)
            let pixels = guide.width * guide.height
            let size = (guide.width, guide.height)
            var filtered = FilteredMaps()
            filter.filter(
                stride(from: 0, to: maps.count, by: pixels).map { Array(maps[$0..<$0 + pixels]) }[...],
                interpolatedBy: Enlargement(from: size, to: size), into: &filtered)
            let error = try distance(filtered.scores, goldens.numbers("result", of: golden))
            #expect(error <= 1e-5, "\(golden.name): \(error)")
        }
    }

    @Test func `average its colours in cells as the definition does`() throws {
        let goldens = try KernelGoldens(of: "area", count: 8)
        for golden in goldens.cases {
            let shape = try goldens.shape(of: "result", golden)
            let found = try goldens.picture("picture", of: golden).averaged(width: shape[1], height: shape[0])
            let error = try distance(found, goldens.numbers("result", of: golden))
            #expect(error <= 1e-6, "\(golden.name): \(error)")
        }
    }

    @Test func `weigh an affinity by its colours as the definition does, and complete maps by it`() throws {
        let goldens = try KernelGoldens(of: "affinity", count: 6)
        var arena = try Arena(reserving: 1 << 24)
        for golden in goldens.cases {
            let (width, height) = (try #require(golden.width), try #require(golden.height))
            let kernel = ColourKernel(
                colour: try #require(golden.sigmaColour), position: try #require(golden.sigmaPosition))
            let matrix = Matrix(stored: width * height, by: width * height)
            matrix.fill(try goldens.numbers("self", of: golden))
            let colours = try goldens.picture("picture", of: golden).averaged(width: width, height: height)
            kernel.weigh(matrix, colours: colours, width: width, height: height, &arena)
            let error = try distance(matrix.array, goldens.numbers("result", of: golden))
            #expect(error <= 1e-5, "\(golden.name): \(error)")
            let affinity = Affinity(matrix, roots: true, unitRows: false)
            let maps = try goldens.numbers("maps", of: golden)
            let pixels = width * height
            let once = affinity.completing(
                stride(from: 0, to: maps.count, by: pixels).map { Array(maps[$0..<$0 + pixels]) }, &arena)
            let twice = affinity.completing(once, &arena).flatMap(\.self)
            let mapError = try distance(twice, goldens.numbers("twice", of: golden))
            #expect(mapError <= 1e-4, "\(golden.name), twice: \(mapError)")
        }
    }
}
