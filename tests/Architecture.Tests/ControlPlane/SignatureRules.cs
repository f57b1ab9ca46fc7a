using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace BlockGraph.Architecture.Tests.ControlPlane;

/// <summary>
/// What signatures say about the two planes. Commit, abort and clean cannot fail, wait or be cancelled, so they return <c>void</c> and take
/// no token. The data plane returns <c>ValueTask</c>, the control plane <c>Task</c>. Nothing is <c>async void</c>.
/// </summary>
internal static partial class SignatureRules
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>The last steps of a change among some types: every method named Commit, Abort or Clean, with whatever follows.</summary>
    public static IEnumerable<MethodInfo> LastSteps(IEnumerable<Type> types) =>
        types.SelectMany(type => type.GetMethods(Declared)).Where(method => LastStepName().IsMatch(PlainName(method)));

    public static string? LastStepViolation(MethodInfo method)
    {
        if (method.ReturnType != typeof(void))
        {
            return $"{Describe(method)} returns {method.ReturnType.Name}; what cannot fail or wait returns void";
        }

        return method.GetParameters().Any(parameter => parameter.ParameterType == typeof(CancellationToken))
            ? $"{Describe(method)} takes a CancellationToken; after prepare nothing is cancelled"
            : null;
    }

    /// <summary>The awaitable requests of a type: read, write, zero, discard, flush, status, and the events on their way.</summary>
    public static IEnumerable<MethodInfo> Requests(Type type) =>
        type.GetMethods(Declared).Where(method => RequestName().IsMatch(PlainName(method)) && IsAwaitable(method));

    public static string? RequestViolation(MethodInfo method) =>
        IsValueTask(method.ReturnType) ? null : $"{Describe(method)} returns {method.ReturnType.Name}; the data plane returns ValueTask";

    /// <summary>
    /// What others can await on the control plane: the visible awaitable methods of visible types, requests and disposal aside, and drains: those
    /// are begun from either plane, and must not allocate where everything is idle.
    /// </summary>
    public static IEnumerable<MethodInfo> Changes(IEnumerable<Type> types) =>
        types.Where(type => type.IsVisible)
            .SelectMany(type => type.GetMethods(Declared))
            .Where(method => method.IsPublic && IsAwaitable(method))
            .Where(method => !RequestName().IsMatch(method.Name) && !DrainName().IsMatch(method.Name) && method.Name != nameof(IAsyncDisposable.DisposeAsync));

    public static string? ChangeViolation(MethodInfo method) =>
        IsTask(method.ReturnType) ? null : $"{Describe(method)} returns {method.ReturnType.Name}; the control plane returns Task";

    /// <summary>The methods and lambdas that nobody can await.</summary>
    public static IEnumerable<string> AsyncVoids(Assembly assembly) =>
        assembly.GetTypes()
            .SelectMany(type => type.GetMethods(Declared))
            .Where(method => method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute)))
            .Select(method => $"{Describe(method)} is async void");

    private static bool IsAwaitable(MethodInfo method) =>
        IsTask(method.ReturnType) || IsValueTask(method.ReturnType)
        || method.Name.EndsWith("Async", StringComparison.Ordinal)
        || method.ReturnType.GetMethod("GetAwaiter", Type.EmptyTypes) is not null;

    private static bool IsTask(Type type) => Is(type, typeof(Task), typeof(Task<>));

    private static bool IsValueTask(Type type) => Is(type, typeof(ValueTask), typeof(ValueTask<>));

    private static bool Is(Type type, Type plain, Type generic) =>
        type == plain || (type.IsGenericType && type.GetGenericTypeDefinition() == generic);

    /// <summary>The name without the interface of an explicit implementation.</summary>
    private static string PlainName(MethodInfo method) => method.Name[(method.Name.LastIndexOf('.') + 1)..];

    private static string Describe(MethodInfo method) => $"{method.DeclaringType!.FullName}.{method.Name}";

    [GeneratedRegex("^(Commit|Abort|Clean)")]
    private static partial Regex LastStepName();

    [GeneratedRegex("^Drain(All)?Async$")]
    private static partial Regex DrainName();

    [GeneratedRegex("^(Try)?(Read|Write|Zero|Discard|Flush|Copy|GetStatus|GetBlockStatus|DebugEvent)")]
    private static partial Regex RequestName();
}
