import Architectures
import GSL
import Quantities
import Reference
import Tensors
import Testing
import Training

struct ObjectiveTests {
  /// Each scalar operation of either way rounds once, by at most half an ulp of what it adds to.
  @Test(arguments: Subject.all)
  func `the gradient of the objective along a direction is the slope that dual numbers find`(subject: Subject) {
    let (program, parameters) = (subject.program, subject.parameters)
    let gradients = program.run(subject.objective, parameters).gradients
    // With stopped targets the objective is no function whose slope duals could see; see the next law.
    var objective = subject.objective
    objective.stopsTargetGradients = false
    let whole = program.run(objective, parameters).gradients
    #expect((gradients == whole) == (objective == subject.objective || !subject.comparesVectors))
    let stream = RandomStream(seed: 1, name: "direction")
    let direction = parameters.map { _ in stream.gaussian() }
    let replay = Replay(program.tape, parameters: zip(parameters, direction).map { Dual($0, slope: $1) })
    let slope = Evaluation(objective, program.pass, numbers: replay.numbers, widen: { $0 }).losses().total.slope
    let terms = zip(whole, direction).map { $0 * $1 }
    let size = terms.reduce(0) { $0 + abs($1) }
    #expect(abs(terms.reduce(0, +) - slope) <= 0x1p-53 * program.flops * size)
  }

  /// The targets are copied to a constant by hand: the dual numbers of a prediction against plain numbers of a target.
  @Test(arguments: Subject.all.filter { $0.comparesVectors && $0.objective.stopsTargetGradients })
  func `a stopped target is a constant`(subject: Subject) {
    let (program, parameters) = (subject.program, subject.parameters)
    let stream = RandomStream(seed: 3, name: "direction")
    let direction = parameters.map { _ in stream.gaussian() }
    let replay = Replay(program.tape, parameters: zip(parameters, direction).map { Dual($0, slope: $1) })
    let fixed = Replay(program.tape, parameters: parameters.map { Dual($0) })
    // A pair of predictions and targets is read once each, the prediction first.
    var reads = 0
    let evaluation = Evaluation(
      subject.objective, program.pass,
      numbers: { tensor in
        // The logits, then prediction and target in turn.
        defer { reads += 1 }
        return reads > 0 && reads.isMultiple(of: 2) ? fixed.numbers(tensor) : replay.numbers(tensor)
      }, widen: { $0 })
    let slope = evaluation.losses().total.slope
    let terms = zip(program.run(subject.objective, parameters).gradients, direction).map { $0 * $1 }
    let size = terms.reduce(0) { $0 + abs($1) }
    #expect(abs(terms.reduce(0, +) - slope) <= 0x1p-53 * program.flops * size)
  }

  /// A path through the model and back crosses at most 40 products, whose sides add up to at most 30 each.
  @Test(arguments: Subject.all, [Backend.plain, .fast])
  func `the machine's losses and gradients are those in double precision`(subject: Subject, backend: Backend) {
    let exact = subject.program.run(subject.objective, subject.parameters)
    let weights = subject.weights(true)
    let (machine, gradients) = (Machine(backend: backend), ParameterLine(for: weights))
    let losses = subject.objective.differentiate(
      weights, tokens: subject.tokens, machine: machine, into: gradients, pool: GradientPool())
    // Nothing is left behind.
    #expect(machine.arena.liveElements == 0 && machine.stateElements == 0 && machine.tape == nil)
    let tolerance = 1200 * 0x1p-24
    #expect(abs(losses.total - exact.losses.total) <= tolerance * exact.losses.total)
    #expect(losses.tokenCount == exact.losses.tokenCount)
    for (own, other) in zip(
      losses.reconstruction + losses.context, exact.losses.reconstruction + exact.losses.context)
    {
      #expect((own == nil) == (other == nil))
      if let own, let other { #expect(abs(own - other) <= tolerance * max(other, 1)) }
    }
    for (name, tensor) in weights.tensors {
      let own = gradients.tensor(tensor).elements
      let other = exact.gradients[tensor.place.offset..<tensor.place.offset + tensor.count]
      let largest = other.reduce(0) { max($0, abs($1)) }
      #expect(zip(own, other).allSatisfy { abs(Double($0) - $1) <= tolerance * largest }, "\(name)")
    }
  }

  @Test func `two half-weighted batches give the gradient of one whole batch`() {
    let subject = Subject.all[2]
    let weights = subject.weights(true)
    let lines = [ParameterLine(for: weights), ParameterLine(for: weights)]
    let (machine, pool) = (Machine(backend: .fast), GradientPool<Float>())
    let whole = subject.objective.differentiate(
      weights, tokens: subject.tokens, machine: machine, into: lines[0], pool: pool)
    let halves = subject.tokens.map {
      subject.objective.differentiate(
        weights, tokens: [$0], machine: machine, into: lines[1], pool: pool, scale: 0.5)
    }
    #expect(abs((halves[0].total + halves[1].total) / 2 - whole.total) <= 1200 * 0x1p-24 * whole.total)
    let largest = (0..<lines[0].count).reduce(0) { max($0, abs(lines[0].base[$1])) }
    for index in 0..<lines[0].count {
      #expect(abs(lines[0].base[index] - lines[1].base[index]) <= 1200 * 0x1p-24 * largest)
    }
  }

  @Test(arguments: Subject.all)
  func `a step on shapes does the work and takes the memory of a step on numbers`(subject: Subject) {
    let weights = [false, true].map { subject.weights($0) }
    let traces = (0..<4).map { _ in Trace(levelCount: 3, precision: .float32) }
    let machines = [Machine(backend: .shapes, trace: traces[0]), Machine(backend: .fast, trace: traces[1])]
    let pools = [GradientPool<Float>(holdsNumbers: false), GradientPool<Float>()]
    subject.objective.traceStep(
      weights[0], tokens: subject.tokens, machine: machines[0], pool: pools[0], trace: traces[2])
    _ = subject.objective.differentiate(
      weights[1], tokens: subject.tokens, machine: machines[1], into: ParameterLine(for: weights[1]), pool: pools[1],
      trace: traces[3])
    #expect(traces[0].total(.prefill) == traces[1].total(.prefill))
    #expect(traces[2].total(.prefill) == traces[3].total(.prefill))
    #expect(traces[2].total(.prefill).matmulFlops > traces[0].total(.prefill).matmulFlops)
    #expect(machines[0].arena.peakElements == machines[1].arena.peakElements)
    #expect(pools[0].peakElements == pools[1].peakElements)
  }

  @Test func `a vanilla model and a hierarchy can be scored on the same tokens`() {
    for subject in Subject.all {
      let pass = TrainingPass(
        subject.weights(false), tokens: subject.tokens, firstScored: 3, machine: Machine(backend: .shapes))
      #expect(pass.targets.filter { $0 >= 0 } == subject.tokens.flatMap { $0.dropFirst(3) })
      let all = TrainingPass(subject.weights(false), tokens: subject.tokens, machine: Machine(backend: .shapes))
      let length = subject.tokens[0].count
      #expect(all.scoredCount == 2 * (subject.model.family == .vanilla ? length - 1 : length))
    }
  }

  @Test func `equal logits cost log V nats, log₂ V bits, and V guesses`() {
    let subject = Subject.all[0]
    let weights = subject.weights(true)
    for (_, tensor) in weights.tensors { tensor.base!.update(repeating: 0, count: tensor.count) }
    for backend in [Backend.plain, .fast] {
      let machine = Machine(backend: backend)
      let pass = TrainingPass(weights, tokens: subject.tokens, machine: machine)
      let losses = Objective().losses(pass, machine: machine)
      // One rounding of a sum of 11 ones, one of its logarithm.
      #expect(abs(losses.token - Double.logarithm(11)) <= 4 * 0x1p-24 * losses.token)
      #expect(abs(losses.perplexity - 11) <= 11 * 8 * 0x1p-24 * losses.token)
      #expect(abs(losses.bitsPerToken * Double.logarithm(2) - losses.token) <= 0x1p-52 * losses.token)
    }
  }

  @Test func `an objective that a model cannot have is refused with a reason`() {
    let (vanilla, photon) = (Subject.all[0].model, Subject.all[2].model)
    #expect(
      Objective(reconstructionWeight: 0.3).problems(for: vanilla).map(\.description) == [
        "reconstruction_weight: a vanilla model has no levels to compare; accepted: 0"
      ])
    #expect(
      Objective(reconstructionWeight: -1, contextWeight: .nan).problems(for: photon).map(\.key) == [
        "reconstruction_weight", "context_weight",
      ])
    #expect(
      Objective(tokenTarget: .encoderEmbedding).problems(for: photon).map(\.description) == [
        "token_target: encoder embeddings are 4 wide and decoder 1 is 8; accepted: decoder-embedding, none, or a "
          + "level-1 chunker that reads rows of width 8"
      ])
    var oneLevel = photon
    oneLevel.levels.removeLast()
    #expect(Objective(reconstructionWeight: 0.3).problems(for: oneLevel).map(\.key) == ["token_target"])
    for subject in Subject.all { #expect(subject.objective.problems(for: subject.model).isEmpty) }
  }
}

extension Subject {
  /// Whether targets are compared whose gradients could be stopped.
  var comparesVectors: Bool { objective.reconstructionWeight > 0 || objective.contextWeight > 0 }
}
