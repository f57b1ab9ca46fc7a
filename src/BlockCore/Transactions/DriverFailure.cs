using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// Calls drivers where nothing may fail. One that throws all the same does not keep the others from being called; it is
/// reported when all are through, as the bug that it is.
/// </summary>
internal sealed class DriverFailure
{
    private InvariantViolationException? _first;

    /// <summary>Calls <paramref name="call"/>, which is <paramref name="doing"/> something.</summary>
    public void Run<T>(BlockNode node, string doing, Action<BlockNode, T> call, T argument)
    {
        try
        {
            call(node, argument);
        }
        catch (Exception error)
        {
            _first ??= new InvariantViolationException($"driver '{node.Driver.Name}' of node '{node.Name}' threw while {doing}: {error.Message}", error);
        }
    }

    /// <summary>Reports the first driver that threw, if one did.</summary>
    /// <exception cref="InvariantViolationException">A driver has a bug.</exception>
    public void Throw()
    {
        if (_first is not null)
        {
            throw _first;
        }
    }
}
