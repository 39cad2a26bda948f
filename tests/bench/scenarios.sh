# The benchmark's scenarios as arguments of dunlin-load. Sourced by compare.sh and agree.sh.

TRAFFIC="fanin0 fanin1 fanout0 pairs1 rate10k"
ALL_SCENARIOS="$TRAFFIC own10k idle subscriptions filters1k filters1m"
# The same with more on its way: named in --scenarios when asked for.
DEEP="fanin0deep fanin1deep fanout0deep pairs1deep"

scenario_arguments() { # NAME
  case $1 in
    fanin0) echo "fan-in --qos 0 --publishers 50 --outstanding 4000" ;;
    fanin1) echo "fan-in --qos 1 --publishers 50 --window 32" ;;
    fanout0) echo "fan-out --qos 0 --subscribers 1000 --outstanding 20" ;;
    pairs1) echo "pairs --qos 1 --pairs 500 --window 4" ;;
    fanin0deep) echo "fan-in --qos 0 --publishers 50 --outstanding 64000" ;;
    fanin1deep) echo "fan-in --qos 1 --publishers 50 --window 256" ;;
    fanout0deep) echo "fan-out --qos 0 --subscribers 1000 --outstanding 2000" ;;
    pairs1deep) echo "pairs --qos 1 --pairs 500 --window 128" ;;
    rate10k) echo "fan-in --qos 1 --publishers 50 --window 200 --rate 10000" ;;
    own10k) echo "$(scenario_arguments rate10k) --independent" ;;
    # Past some 14,000 connections from one address the kernel searches long for a free port.
    idle) echo "connect --clients ${CONNECTIONS:-19000} --hold 2 --per-address 5000" ;;
    subscriptions) echo "subscribe --clients 100 --per-client 1000 --outstanding 100" ;;
    filters1k) echo "subscribe --clients 100 --per-client 10 --hold 0.2 --outstanding 4000" ;;
    filters1m) echo "subscribe --clients 100 --per-client 10000 --batch 10 --hold 0.2 --outstanding 4000 --setup-max 120" ;;
    *) echo "unknown scenario '$1' ($ALL_SCENARIOS $DEEP)" >&2; return 1 ;;
  esac
}
# limit knows no wildcards but '#'.
scenario_fits() { # NAME BROKER
  case $1-$2 in subscriptions-limit | filters*-limit) return 1 ;; *) return 0 ;; esac
}
